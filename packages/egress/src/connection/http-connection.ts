import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { CheckedSocket } from './open-checked-socket.ts';

/** HTTP/1.1 on one checked socket. When the socket is gone it is over: it never connects again by itself. */
export interface HttpConnection {
  readonly remoteAddress: string;
  /** Whether it can take a request. A server may have closed it unseen; then nothing of the request is written. */
  readonly isOpen: boolean;
  /** Whether something of an answer is still to come: nothing else can be sent until then. */
  readonly isBusy: boolean;
  /**
   * Sends one request. The next one may follow when all of the answer has come.
   *
   * @param onWrite - called when the first byte is about to be written; a failure before that has sent nothing
   * @throws what undici throws
   */
  request(options: Dispatcher.RequestOptions, onWrite: () => void): Promise<Dispatcher.ResponseData>;
  /** Closes the socket. Requests on it fail. */
  destroy(): void;
}

/** What {@link openHttpConnection} takes besides the socket. */
export interface HttpConnectionConfig {
  /** Scheme, host and port: becomes the `Host` header. */
  readonly origin: string;
  readonly maxHeaderBytes: number;
  /** How long it may be idle; a server's own `Keep-Alive` header can shorten it. */
  readonly keepAliveMs: number;
  /** Called once, when the socket is gone. */
  readonly onClosed: () => void;
}

/** Puts an HTTP client on a socket that is connected already. */
export function openHttpConnection(
  { socket, remoteAddress }: CheckedSocket,
  config: HttpConnectionConfig,
): HttpConnection {
  let isOpen = true;
  let isBusy = false;
  const end = (): void => {
    isBusy = false;
  };
  const client = new Client(config.origin, {
    connect: takeOnce(socket),
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: config.maxHeaderBytes,
    // Who waits for what, and how long, is decided by the request's life on its own clock.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: config.keepAliveMs + 1_000,
    keepAliveMaxTimeout: config.keepAliveMs + 1_000,
  });
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    socket.destroy();
    client.destroy().catch(() => undefined);
    config.onClosed();
  };
  client.on('disconnect', close);
  client.on('connectionError', close);
  socket.on('error', () => undefined);
  socket.once('close', close);

  return {
    remoteAddress,
    get isOpen() {
      return isOpen && !socket.destroyed;
    },
    get isBusy() {
      return isBusy;
    },
    request(options, onWrite) {
      const begin = (): void => {
        isBusy = true;
        onWrite();
      };
      const told = client.compose((dispatch) => (opts, handler) => dispatch(opts, telling(handler, begin, end)));
      // undici closes the connection after an answer to HEAD, unless it is told not to.
      return told.request({ reset: false, ...options });
    },
    destroy: close,
  };
}

/** undici calls it for each connection it wants. It is given the checked one, once; there is no second. */
function takeOnce(socket: Socket): NonNullable<Client.Options['connect']> {
  let unused: Socket | undefined = socket;
  return (_options, callback) => {
    const taken = unused;
    unused = undefined;
    // Answered at once, undici would not notice: it is still in the middle of asking.
    queueMicrotask(() => {
      if (taken === undefined || taken.destroyed) callback(new Error('the connection is closed'), null);
      else callback(null, taken);
    });
  };
}

/** A handler that passes everything on, and tells when writing begins, and when all of the answer has come. */
function telling(
  handler: Dispatcher.DispatchHandler,
  onWrite: () => void,
  onEnd: () => void,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller, context) {
      onWrite();
      handler.onRequestStart?.(controller, context);
    },
    onResponseStart: (controller, status, headers, message) =>
      handler.onResponseStart?.(controller, status, headers, message),
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd(controller, trailers) {
      onEnd();
      handler.onResponseEnd?.(controller, trailers);
    },
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
  };
}
