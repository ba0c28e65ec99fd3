import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a server and its database, and can fail in the ways that a network fails. */
export interface TcpProxy extends AsyncDisposable {
  /** The given address, by way of the proxy. */
  readonly url: string;
  /** Takes every byte and passes none on, without closing anything: what a dropped route looks like. */
  swallow(): void;
  /** Passes on again. What was swallowed is lost, so the connections of that time are closed. */
  pass(): void;
}

/** Opens a proxy to the host and port of a URL. */
export async function openTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let swallowing = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (chunk) => {
      if (!swallowing) to.write(chunk);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      if (!swallowing) to.destroy();
    });
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    join(near, far);
    join(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const closeAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    swallow(): void {
      swallowing = true;
    },
    pass(): void {
      closeAll();
      swallowing = false;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      closeAll();
      server.close();
      await once(server, 'close');
    },
  };
}
