import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What a {@link FaultProxy} does to connections, those that are open included:
 * - `pass`: nothing;
 * - `delay`: each chunk waits for `delayMs` milliseconds, each way, in order;
 * - `black-hole`: what is sent disappears, each way, and nobody is told; connections stay open;
 * - `reset`: open connections are reset (RST), and new ones right after they were accepted;
 * - `refuse`: nobody listens any more; open connections go on;
 * - `half-close`: clients are told that the server has ended (FIN), while what they send goes on to it;
 * - `cut`: after `afterBytes` more bytes from the server, each connection is reset.
 */
export type ProxyFault =
  | { readonly fault: 'pass' }
  | { readonly fault: 'delay'; readonly delayMs: number }
  | { readonly fault: 'black-hole' }
  | { readonly fault: 'reset' }
  | { readonly fault: 'refuse' }
  | { readonly fault: 'half-close' }
  | { readonly fault: 'cut'; readonly afterBytes: number };

/** How many connections of clients a proxy has seen. */
export interface ProxyConnections {
  /** Those that are open now, and that their client has not ended. */
  readonly open: number;
  /** All that were accepted. */
  readonly accepted: number;
  /** Bytes that went through to clients. */
  readonly bytesToClients: number;
}

/** A TCP proxy that does what a test tells it to. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string;
  /** It stays the same, also over `refuse`. */
  readonly port: number;
  /** The address of the target with the proxy's host and port in it; `tcp://host:port` when the target was given as host and port. */
  readonly url: string;
  connections(): ProxyConnections;
  /** Changes what it does, at once. Resolves when it does. */
  set(fault: ProxyFault): Promise<void>;
  /** Resets what is open, and stops listening. Idempotent. */
  close(): Promise<void>;
}

/** What {@link openFaultProxy} takes. */
export interface FaultProxyOptions {
  /** Where connections go on to: an address with a port, or host and port. */
  readonly target: string | { readonly host: string; readonly port: number };
  /** What it does in the beginning. Default: `pass`. */
  readonly fault?: ProxyFault;
}

/**
 * Opens a proxy on a free port of 127.0.0.1, to stand between a client and a real server.
 *
 * @throws `TypeError` when the target is no address with a port
 * @example
 * ```ts
 * await using proxy = await openFaultProxy({ target: process.env.REDIS_URL });
 * const cache = redis('cache', { url: proxy.url });
 * await proxy.set({ fault: 'black-hole' });
 * ```
 */
export async function openFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(options);
  await proxy.listen();
  return proxy;
}

const HOST = '127.0.0.1';

class TcpFaultProxy implements FaultProxy {
  readonly host = HOST;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #originalUrl: string | undefined;
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #port = 0;
  #fault: ProxyFault;
  #accepted = 0;
  #bytes = 0;
  #isClosed = false;

  constructor({ target, fault = { fault: 'pass' } }: FaultProxyOptions) {
    this.#originalUrl = typeof target === 'string' ? target : undefined;
    this.#target = typeof target === 'string' ? targetOf(target) : target;
    this.#fault = fault;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    if (this.#originalUrl === undefined) return `tcp://${HOST}:${this.#port}`;
    const url = new URL(this.#originalUrl);
    const { host } = url;
    // Changing it in the URL does nothing for schemes that URL knows no ports of.
    return this.#originalUrl.replace(host, `${HOST}:${this.#port}`);
  }

  connections(): ProxyConnections {
    const open = [...this.#links].filter((link) => !link.isEndedByClient).length;
    return { open, accepted: this.#accepted, bytesToClients: this.#bytes };
  }

  async set(fault: ProxyFault): Promise<void> {
    this.#fault = fault;
    for (const link of this.#links) link.apply(fault);
    if (fault.fault === 'refuse') await this.#stopListening();
    else await this.listen();
  }

  async listen(): Promise<void> {
    if (this.#server !== undefined || this.#isClosed) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#server = server;
    server.listen(this.#port, HOST);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    if (this.#fault.fault === 'refuse') await this.#stopListening();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const link of this.#links) link.reset();
    await this.#stopListening();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // A server is closed when its connections are, too; that it does not listen any more is so at once.
  async #stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const link = new Link(client, this.#target, {
      onBytes: (count) => {
        this.#bytes += count;
      },
      onClosed: () => this.#links.delete(link),
    });
    this.#links.add(link);
    link.apply(this.#fault);
  }
}

function targetOf(text: string): { readonly host: string; readonly port: number } {
  const url = URL.parse(text);
  if (url === null || url.port === '') throw new TypeError('the target of a proxy must be an address with a port');
  return { host: url.hostname.replaceAll(/[[\]]/g, ''), port: Number(url.port) };
}

interface LinkEvents {
  onBytes(count: number): void;
  onClosed(): void;
}

/** A client's connection, and the one to the target that belongs to it. */
class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #events: LinkEvents;
  #fault: ProxyFault = { fault: 'pass' };
  #left = Infinity;
  #isOver = false;

  constructor(client: Socket, target: { readonly host: string; readonly port: number }, events: LinkEvents) {
    this.#client = client;
    this.#events = events;
    this.#upstream = connect({ ...target, allowHalfOpen: true });
    this.#pipe(client, this.#upstream, false);
    this.#pipe(this.#upstream, client, true);
  }

  get isEndedByClient(): boolean {
    return this.#client.readableEnded;
  }

  apply(fault: ProxyFault): void {
    // What ended in a black hole was not passed on.
    if (this.#fault.fault === 'black-hole' && fault.fault !== 'black-hole' && this.isEndedByClient) this.reset();
    this.#fault = fault;
    this.#left = fault.fault === 'cut' ? fault.afterBytes : Infinity;
    if (fault.fault === 'reset' || this.#left <= 0) this.reset();
    if (fault.fault === 'half-close') this.#client.end();
  }

  reset(): void {
    reset(this.#client);
    reset(this.#upstream);
    this.#over();
  }

  #pipe(from: Socket, to: Socket, isToClient: boolean): void {
    let last: Promise<void> = Promise.resolve();
    const inTurn = (work: () => void): void => {
      const fault = this.#fault;
      const delayMs = fault.fault === 'delay' ? fault.delayMs : 0;
      const before = last;
      last = (async () => {
        // The wait begins when a chunk comes, not when those before it have gone.
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
        await before;
        work();
      })();
    };
    from.on('data', (chunk: Buffer) => inTurn(() => this.#forward(chunk, to, isToClient)));
    from.on('end', () => inTurn(() => void (this.#fault.fault !== 'black-hole' && to.end())));
    from.on('error', () => this.reset());
    from.on('close', () => {
      if (this.#client.destroyed && this.#upstream.destroyed) this.#over();
      // A side that went without a word takes the other one with it.
      else if (this.#client.destroyed) this.reset();
    });
  }

  #forward(chunk: Buffer, to: Socket, isToClient: boolean): void {
    const { fault } = this.#fault;
    if (fault === 'black-hole' || to.destroyed || to.writableEnded) return;
    if (!isToClient) {
      to.write(chunk);
      return;
    }
    const passed = chunk.subarray(0, Math.min(chunk.length, this.#left));
    this.#left -= passed.length;
    this.#events.onBytes(passed.length);
    to.write(passed, () => {
      if (this.#left <= 0) this.reset();
    });
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onClosed();
  }
}

/** A socket that has sent its end, or has no connection yet, cannot be reset any more: libuv refuses, and Node would leave it open. */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
