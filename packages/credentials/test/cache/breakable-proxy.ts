import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that a test can break. */
export interface BreakableProxy {
  readonly port: number;
  /** Connections that were made to it so far. */
  connections(): number;
  /** The ports from which it now reaches the server. */
  ports(): readonly number[];
  /** Ends all connections; with `refuse`, new ones too, until {@link BreakableProxy.mend}. */
  cut(options?: { readonly refuse: boolean }): void;
  /** Lets nothing through any more, and says nothing of it, until {@link BreakableProxy.mend}. */
  freeze(): void;
  /** Lets nothing through for now; {@link BreakableProxy.mend} brings it after all. */
  hold(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Stands in front of the server that a URL names. */
export async function breakableProxy(target: URL, defaultPort: number): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  const farSide = new Set<Socket>();
  let state: 'whole' | 'refusing' | 'frozen' = 'whole';
  let connections = 0;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    connections += 1;
    track(near);
    if (state === 'refusing') {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port || defaultPort), target.hostname);
    track(far);
    farSide.add(far);
    far.on('close', () => farSide.delete(far));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      // What came in frozen times is lost, as it would be.
      from
        .on('data', (bytes: Buffer) => state === 'frozen' || to.write(bytes))
        .on('close', () => state === 'frozen' || to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    ports: () => [...farSide].flatMap(({ localPort }) => localPort ?? []),
    cut({ refuse } = { refuse: false }) {
      state = refuse ? 'refusing' : 'whole';
      endAll();
    },
    freeze() {
      state = 'frozen';
    },
    hold() {
      for (const socket of sockets) socket.pause();
    },
    mend() {
      state = 'whole';
      for (const socket of sockets) socket.resume();
    },
    close() {
      endAll();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
