import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  /** As it stood in the request, encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** What can go wrong on the way, in the place of an answer. */
export type Fault =
  | FakeAnswer
  /** Never answers. */
  | 'hang'
  /** Answers half, and then no more. */
  | 'hang-in-body'
  | 'reset'
  | 'reset-in-body'
  /** Announces more than it sends. */
  | 'too-short'
  | 'not-http'
  /** Announces 2 MiB. */
  | 'announce-too-much'
  /** Sends 2 MiB without saying so. */
  | 'send-too-much'
  /** Sends a byte at a time, faster than anything times out, without end. */
  | 'drip';

export interface FakeServer {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** How many connections were opened. */
  readonly connections: number;
  /** Spoils the next request that `concerns` it; without, the next. */
  fault(fault: Fault, concerns?: (request: SeenRequest) => boolean): void;
  /** Resolves when so many requests have arrived in all. */
  arrived(count: number): Promise<void>;
  stop(): Promise<void>;
}

export interface FakeServerOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A real HTTP server on this machine. */
export async function openFakeServer(
  answer: (request: SeenRequest) => FakeAnswer | Promise<FakeAnswer>,
  { tls }: FakeServerOptions = {},
): Promise<FakeServer> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const news = new EventEmitter();
  const faults: { readonly fault: Fault; readonly concerns: (request: SeenRequest) => boolean }[] = [];
  let connections = 0;

  const listener: RequestListener = (incoming, outgoing) => {
    void (async () => {
      const request = await read(incoming);
      const at = faults.findIndex(({ concerns }) => concerns(request));
      const [spoiled] = at === -1 ? [] : faults.splice(at, 1);
      requests.push(request);
      news.emit('request');
      send(outgoing, spoiled?.fault ?? (await answer(request)));
    })();
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    get connections() {
      return connections;
    },
    fault: (fault, concerns = () => true) => void faults.push({ fault, concerns }),
    async arrived(count) {
      while (requests.length < count) await once(news, 'request');
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(incoming: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
  return {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

const MEGABYTE = 1_048_576;

function send(outgoing: ServerResponse, fault: Fault): void {
  const { socket } = outgoing;
  if (typeof fault === 'object') {
    outgoing.writeHead(fault.status, fault.headers);
    outgoing.end(fault.body);
    return;
  }
  switch (fault) {
    case 'hang':
      return;
    case 'hang-in-body':
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      outgoing.write('{"data":');
      return;
    case 'reset':
      socket?.resetAndDestroy();
      return;
    case 'reset-in-body':
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      outgoing.write('{"data":', () => socket?.resetAndDestroy());
      return;
    case 'too-short':
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      outgoing.write('{"data":', () => socket?.end());
      return;
    case 'not-http':
      socket?.end('SSH-2.0-OpenSSH_9.9 canary-in-what-is-not-http\r\n');
      return;
    case 'announce-too-much':
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': String(2 * MEGABYTE) });
      outgoing.write('{"data":"');
      return;
    case 'send-too-much':
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      for (let at = 0; at < 32; at += 1) outgoing.write('x'.repeat(MEGABYTE / 16));
      return;
    case 'drip': {
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => outgoing.write(' '), 1);
      outgoing.on('close', () => clearInterval(drip));
      return;
    }
    default:
      fault satisfies never;
  }
}

/** An answer in JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
