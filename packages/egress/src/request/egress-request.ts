import { egressError } from '../errors.ts';

/** Headers to send, by name in any case. Several values are sent as several lines. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A body to send. One that is read as it is sent cannot be sent again, so that a 307 or 308 is not followed with it. */
export type RequestBody = string | Uint8Array | AsyncIterable<Uint8Array | string>;

/** What {@link Egress.request} takes. */
export interface EgressRequest {
  /** Where to: absolute. It is checked whole, and so is every address that a redirect names. */
  readonly url: string | URL;
  /** Default: `GET`. `CONNECT` and `TRACE` are refused. */
  readonly method?: string;
  /** Not those that belong to the connection (`Host`, `Connection`, `Content-Length`, ...), which are refused. Default: none. */
  readonly headers?: RequestHeaders;
  /** Not with `GET` and `HEAD`. Default: none. */
  readonly body?: RequestBody;
  /** Ends the request at any moment until its answer has been read. Default: the signal of the running context. */
  readonly signal?: AbortSignal;
  /** For all of it, redirects and reading the answer's body included, milliseconds. Default: as the egress was given. */
  readonly timeoutMs?: number;
  /** Most bytes of the answer's body, after decoding. Default: as the egress was given. */
  readonly maxBodyBytes?: number;
  /** Redirects to follow, 0 to 10; with 0 the redirect itself is the answer. Default: as the egress was given. */
  readonly maxRedirects?: number;
}

/** A request that can be sent: names in lower case, nothing in it that changes the connection. */
export interface PreparedRequest {
  readonly method: string;
  readonly headers: ReadonlyMap<string, string | readonly string[]>;
  readonly body: RequestBody | undefined;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

// They belong to the connection, which is ours, or would make the server read another request than we wrote.
const connectionHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Checks what a request would write on the line.
 *
 * @throws `EGRESS_REQUEST_INVALID`, naming the method or header, never a value
 */
export function prepareRequest({ method = 'GET', headers = {}, body }: EgressRequest): PreparedRequest {
  // As fetch does: the common ones in any case, all others as they are given.
  const upper = method.toUpperCase();
  const name = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'].includes(upper) ? upper : method;
  if (!TOKEN.test(name) || ['CONNECT', 'TRACE', 'TRACK'].includes(upper)) throw invalid(`the method "${method}"`);
  if (body !== undefined && (name === 'GET' || name === 'HEAD')) throw invalid(`a body with ${name}`);
  const prepared = new Map<string, string | readonly string[]>();
  for (const [key, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const lower = key.toLowerCase();
    if (!TOKEN.test(key) || connectionHeaders.has(lower) || prepared.has(lower)) throw invalid(`the header "${key}"`);
    const values = typeof value === 'string' ? [value] : value;
    if (!values.every((one) => VALUE.test(one))) throw invalid(`the value of the header "${key}"`);
    prepared.set(lower, value);
  }
  return { method: name, headers: prepared, body };
}

function invalid(what: string): Error {
  return egressError('EGRESS_REQUEST_INVALID', `${what} cannot be sent`);
}
