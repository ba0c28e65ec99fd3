import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server, and fails as networks do. */
export interface TcpProxy {
  /** The server's URL, through the proxy. */
  readonly url: string;
  /** Cuts every connection as soon as a chunk from the client holds this text; the server gets the chunk first. */
  cutAfter(text: string): void;
  /** From now on what the client sends goes nowhere, and nothing comes back. */
  stall(): void;
  /** Passes everything on again, for new connections. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of the server at `url`. */
export async function startTcpProxy(url: string): Promise<TcpProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let fatal: string | undefined;
  let stalled = false;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    let silent = false;
    client.on('data', (chunk: Buffer) => {
      if (stalled) return;
      upstream.write(chunk);
      // The server is given time to act on it: only its answer is lost.
      if (fatal !== undefined && chunk.includes(fatal)) silent = true;
    });
    upstream.on('data', (chunk: Buffer) => {
      if (silent) client.destroy();
      else if (!stalled) client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    cutAfter: (text) => (fatal = text),
    stall: () => (stalled = true),
    heal(): void {
      stalled = false;
      fatal = undefined;
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
