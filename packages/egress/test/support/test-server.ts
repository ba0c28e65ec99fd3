import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a server saw of one request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real server on loopback, which counts what reaches it. */
export interface TestServer {
  readonly port: number;
  readonly requests: SeenRequest[];
  /** Connections that were ever made. */
  connections(): number;
  /** Connections that are open now. */
  open(): number;
  /** Closes the connections that are open, from this side. */
  hangUp(): void;
  close(): Promise<void>;
}

/** An HTTP server; what it answers is up to the listener, once the request's body has been read. */
export function openServer(
  answer: RequestListener,
  options: { readonly address?: string; readonly tls?: { readonly key: string; readonly cert: string } } = {},
): Promise<TestServer> {
  const requests: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  server.keepAliveTimeout = 0;
  return listen(server, requests, options.address);
}

/** A server that speaks no HTTP of itself: it hands each connection over. */
export function openTcpServer(onConnection: (socket: Socket) => void, address?: string): Promise<TestServer> {
  return listen(createTcpServer(onConnection), [], address);
}

async function listen(server: Server, requests: SeenRequest[], address = '127.0.0.1'): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  const hangUp = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    hangUp,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        hangUp();
      }),
  };
}
