import type { RequestBody, RequestHeaders } from '@tenon/egress';
import { resourceError } from '../../errors.ts';
import type { HttpConfig } from './http-settings.ts';
import { resolveTarget, type HttpPlace, type HttpQuery, type HttpTarget } from './http-target.ts';

/** What a request may say besides where it goes. At most one of `json`, `text`, `bytes`, `form` and `stream`. */
export interface HttpRequestOptions {
  /** Added to the query of the path. */
  readonly query?: HttpQuery;
  /** In the place of those of the settings where names are the same. The header of the credential is not among them. */
  readonly headers?: RequestHeaders;
  /** Sent as JSON, as `application/json`. */
  readonly json?: unknown;
  /** Sent as it is, as `text/plain` in UTF-8. */
  readonly text?: string;
  /** Sent as they are, as `application/octet-stream`. */
  readonly bytes?: Uint8Array;
  /** Sent as an HTML form, as `application/x-www-form-urlencoded`. */
  readonly form?: URLSearchParams | Readonly<Record<string, string>>;
  /** Read while it is sent, as `application/octet-stream`. Once its reading has begun, the request is not tried again. */
  readonly stream?: AsyncIterable<Uint8Array | string>;
  /** Ends the request at any moment until its answer has been read. Default: the signal of the running context. */
  readonly signal?: AbortSignal;
  /** In the place of that of the settings. */
  readonly timeoutMs?: number;
  /**
   * Sent as `Idempotency-Key`, the same with every try: it promises that the server does what carries the key once only, so that the
   * request may be repeated whatever its method. 1 to 255 visible characters of ASCII.
   */
  readonly idempotencyKey?: string;
}

/** A request. */
export interface HttpRequest extends HttpPlace, HttpRequestOptions {
  /** Default `GET`. */
  readonly method?: string;
}

/** A request that can be sent. */
export interface PreparedHttpRequest extends HttpTarget {
  readonly method: string;
  /** By name in lower case. */
  readonly headers: RequestHeaders;
  readonly body: RequestBody | undefined;
  /** Whether its body is there to be sent (again). */
  readonly hasBody: () => boolean;
  /** Whether doing it twice is as good as once. */
  readonly isIdempotent: boolean;
  readonly timeoutMs: number;
}

// RFC 9110, section 9.2.2.
const idempotentMethods = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT']);

/**
 * Makes of what a caller says what is sent.
 *
 * @param credentialHeader - the header that the caller must not set
 * @throws `HTTP_REQUEST_INVALID`, never quoting a value
 */
export function prepareHttpRequest(
  request: HttpRequest,
  config: HttpConfig,
  credentialHeader: string | undefined,
): PreparedHttpRequest {
  const target = resolveTarget(config.baseUrl, request);
  const method = methodOf(request.method);
  const { type, body, hasBody = () => true } = bodyOf(request);
  const { idempotencyKey, timeoutMs = config.timeoutMs } = request;
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 3_600_000) {
    throw invalid('timeoutMs must be a whole number from 1 to 3,600,000');
  }
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
    throw invalid('an idempotency key is 1 to 255 visible characters of ASCII');
  }
  const plain = config.baseUrl === undefined || target.isOwn ? config.headers : {};
  const headers = {
    'user-agent': config.userAgent,
    ...(type === undefined ? {} : { 'content-type': type }),
    ...lowerCase(plain),
    ...lowerCase(request.headers ?? {}),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
  if (credentialHeader !== undefined && target.isOwn && credentialHeader in headers) {
    throw invalid(`the header "${credentialHeader}" is that of the credential, and cannot be set`);
  }
  const isIdempotent = idempotentMethods.has(method) || idempotencyKey !== undefined;
  return { ...target, method, headers, body, hasBody, isIdempotent, timeoutMs };
}

function methodOf(method = 'GET'): string {
  const upper = method.toUpperCase();
  return idempotentMethods.has(upper) || upper === 'POST' || upper === 'PATCH' ? upper : method;
}

function lowerCase(headers: RequestHeaders): RequestHeaders {
  const named = new Map<string, string | readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (value === undefined) continue;
    if (named.has(lower)) throw invalid(`the header "${lower}" is given twice`);
    named.set(lower, value);
  }
  return Object.fromEntries(named);
}

interface Payload {
  readonly type?: string;
  readonly body?: RequestBody | undefined;
  readonly hasBody?: () => boolean;
}

function bodyOf(request: HttpRequest): Payload {
  const kinds = (['json', 'text', 'bytes', 'form', 'stream'] as const).filter((kind) => request[kind] !== undefined);
  if (kinds.length > 1) throw invalid(`a request has one body, and not ${kinds.join(' and ')}`);
  const { json, text, bytes, form, stream } = request;
  if (json !== undefined) return { type: 'application/json', body: jsonOf(json) };
  if (text !== undefined) return { type: 'text/plain;charset=UTF-8', body: text };
  if (bytes !== undefined) return { type: 'application/octet-stream', body: bytes };
  if (form !== undefined) {
    const pairs = form instanceof URLSearchParams ? form : new URLSearchParams(form);
    return { type: 'application/x-www-form-urlencoded;charset=UTF-8', body: pairs.toString() };
  }
  return stream === undefined ? {} : readOnce(stream);
}

function readOnce(stream: AsyncIterable<Uint8Array | string>): Payload {
  let isBegun = false;
  const body = {
    [Symbol.asyncIterator]() {
      isBegun = true;
      return stream[Symbol.asyncIterator]();
    },
  };
  return { type: 'application/octet-stream', body, hasBody: () => !isBegun };
}

function jsonOf(value: unknown): string {
  try {
    const text: unknown = JSON.stringify(value);
    if (typeof text === 'string') return text;
  } catch {
    // What it throws quotes names of properties.
  }
  throw invalid('the json of a request cannot be written as JSON');
}

function invalid(why: string): Error {
  return resourceError('HTTP_REQUEST_INVALID', why, { details: { mayHaveBeenSent: false } });
}
