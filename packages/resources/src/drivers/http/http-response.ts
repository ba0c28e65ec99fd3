import type { JsonValue } from '@tenon/core';
import type { EgressResponse, ResponseHeaders } from '@tenon/egress';
import { parseRetryAfter } from '@tenon/resilience';
import { resourceError } from '../../errors.ts';
import { readAhead, type ReadAhead } from './read-ahead.ts';

/**
 * The answer to a request, whatever its status. A body of up to 64 KiB leaves its connection to others though nobody reads it; the connection
 * waits for any longer one, until the request's time is over: read it, discard it, or declare the answer with `await using`.
 *
 * What reads a body throws `HTTP_RESPONSE_INVALID` past `maxBodyBytes`, for what is no JSON, or a second time; `HTTP_EXCHANGE_FAILED`,
 * `RESOURCE_TIMEOUT`, `RESOURCE_CANCELLED`, and what ended the lease when it was taken away.
 */
export interface HttpResponse extends AsyncDisposable {
  /** 200 to 599. */
  readonly status: number;
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  /** Names in lower case; several lines of one name are an array. */
  readonly headers: ResponseHeaders;
  /** Whence it came, after redirects. It may hold what a query holds: not for logs. */
  readonly url: string;
  /** All of the body, as JSON. */
  json(): Promise<JsonValue>;
  /** All of the body, as UTF-8. */
  text(): Promise<string>;
  /** All of the body. */
  bytes(): Promise<Uint8Array>;
  /** The body as it comes. Cancelling it closes the connection. */
  stream(): ReadableStream<Uint8Array>;
  /** Gives up what has not been read. Never throws. */
  discard(): Promise<void>;
  /**
   * The answer itself, when its status is below 400.
   *
   * @example
   * ```ts
   * const order = await (await shop.get('/orders/7')).expectOk().json();
   * ```
   * @throws `HTTP_STATUS_UNEXPECTED` with `details.status`; the body is discarded then
   */
  expectOk(): HttpResponse;
}

/** What {@link createHttpResponse} takes. */
export interface HttpResponseParts {
  readonly answer: EgressResponse;
  /** The body, when it has been read. */
  readonly read: Uint8Array | undefined;
  readonly method: string;
  readonly host: string;
  readonly isIdempotent: boolean;
  /** The present, in epoch milliseconds. */
  readonly now: () => number;
  /** Says of a failure to read the body what callers go by. */
  readonly toFailure: (thrown: unknown) => Error;
}

/** So much of a body is read before it is asked for. */
export const READ_AT_ONCE = 65_536;

/** Statuses after which the same request may be answered otherwise. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/** How long an answer asks to wait, in milliseconds. */
export function retryAfterOf({ headers }: Pick<EgressResponse, 'headers'>, nowMs: number): number | undefined {
  const header = headers['retry-after'];
  return parseRetryAfter(typeof header === 'string' ? header : header?.[0], nowMs);
}

/** Makes the answer that callers get. */
export function createHttpResponse(parts: HttpResponseParts): HttpResponse {
  const { answer, toFailure } = parts;
  const { status, headers, url } = answer;
  const body = parts.read === undefined ? unreadBody(answer, toFailure) : readBody(parts.read, toFailure);
  const response: HttpResponse = {
    status,
    ok: status >= 200 && status < 300,
    headers,
    url,
    ...body,
    expectOk() {
      if (status < 400) return response;
      void body.discard();
      throw unexpected(parts);
    },
    [Symbol.asyncDispose]: body.discard,
  };
  return response;
}

type Body = Pick<HttpResponse, 'json' | 'text' | 'bytes' | 'stream' | 'discard'>;

function readBody(bytes: Uint8Array, toFailure: (thrown: unknown) => Error): Body {
  const text = async (): Promise<string> => new TextDecoder().decode(bytes);
  return {
    text,
    bytes: async () => bytes,
    json: async () => parse(await text(), toFailure),
    stream: () =>
      new ReadableStream({
        start(controller) {
          if (bytes.byteLength > 0) controller.enqueue(bytes);
          controller.close();
        },
      }),
    discard: async () => undefined,
  };
}

function unreadBody({ body }: EgressResponse, toFailure: (thrown: unknown) => Error): Body {
  const ahead = readAhead(body, READ_AT_ONCE);
  const mapped = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toFailure(error);
    }
  };
  const bytes = (): Promise<Uint8Array> => mapped(async () => Buffer.concat(await Array.fromAsync(ahead.take())));
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes());
  return {
    bytes,
    text,
    json: async () => parse(await text(), toFailure),
    stream() {
      const chunks = taken(ahead, toFailure);
      return new ReadableStream({
        async pull(controller) {
          const next = await mapped(() => chunks.next());
          if (next.done === true) controller.close();
          else controller.enqueue(next.value);
        },
        cancel: () => body.discard(),
      });
    },
    discard: () => body.discard(),
  };
}

function taken(ahead: ReadAhead, toFailure: (thrown: unknown) => Error): AsyncGenerator<Uint8Array> {
  try {
    return ahead.take();
  } catch (error) {
    throw toFailure(error);
  }
}

function parse(text: string, toFailure: (thrown: unknown) => Error): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // Not as the cause: the parser quotes the body.
    throw toFailure(resourceError('HTTP_RESPONSE_INVALID', 'the answer is not JSON'));
  }
}

function unexpected({ answer, method, host, isIdempotent, now }: HttpResponseParts): Error {
  const { status } = answer;
  const retryable = passing.has(status) && isIdempotent;
  const retryAfterMs = retryable ? retryAfterOf(answer, now()) : undefined;
  return resourceError('HTTP_STATUS_UNEXPECTED', `the ${method} request to "${host}" was answered with ${status}`, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { method, host, status, mayHaveBeenSent: true },
  });
}
