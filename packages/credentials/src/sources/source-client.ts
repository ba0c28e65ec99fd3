import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { toError, type Clock } from '@tenon/core';
import { credentialError } from '../errors.ts';
import { sourceError, sourceUnavailable } from './source-error.ts';

/** What {@link createSourceClient} takes. */
export interface SourceClientOptions {
  /** The name of the source, for errors. */
  readonly source: string;
  readonly address: URL;
  /** For one request with its whole answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** The certificates to trust instead of the machine's, as PEM, asked for with each request. */
  readonly trusted?: () => Promise<string | undefined>;
}

/** One request. */
export interface SourceRequest {
  readonly method: 'GET' | 'POST';
  /** Behind the address, encoded, beginning with `/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer that arrived whole, whatever its status. */
export interface SourceAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Speaks HTTP with the server of one source. */
export interface SourceClient {
  /**
   * Sends a request once, and reads its answer.
   *
   * @throws `CREDENTIAL_STORAGE_UNAVAILABLE` when the connection fails; `CREDENTIAL_STORAGE_TIMEOUT`; `CREDENTIAL_TOO_LARGE`;
   *   `CREDENTIAL_STORAGE_FAILED` for a redirect, an untrusted certificate or an answer that is not HTTP; `CREDENTIALS_CLOSED`
   */
  send(request: SourceRequest, signal: AbortSignal): Promise<SourceAnswer>;
  /** Ends what is under way. Idempotent. */
  close(): void;
}

/** The most that an answer may hold: 1 MiB, more than any of the sources keeps in one secret. */
const MAX_ANSWER_BYTES = 1_048_576;

const UNTRUSTED = /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY|DECODE|DECRYPT))/;

/**
 * Makes a client. It is built on `node:https`, because the built-in `fetch` can be told neither whose certificates to trust nor to close its
 * connections.
 */
export function createSourceClient(options: SourceClientOptions): SourceClient {
  const { source, address, timeoutMs, clock } = options;
  const agent =
    address.protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const underWay = new Set<ClientRequest>();
  let isClosed = false;
  const closed = (): Error => credentialError('CREDENTIALS_CLOSED', `the source "${source}" has been closed`);
  const exchange = (given: SourceRequest, trusted: string | undefined, signal: AbortSignal): Promise<SourceAnswer> =>
    new Promise((resolve, reject) => {
      const body = given.body === undefined ? undefined : Buffer.from(given.body, 'utf8');
      const outgoing = begin(options, agent, given, { body, trusted });
      underWay.add(outgoing);
      const settle = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', stop);
        underWay.delete(outgoing);
      };
      const fail = (error: unknown): void => {
        settle();
        // Without effect when there was an answer before.
        reject(isClosed ? closed() : error);
        outgoing.destroy();
      };
      const timer = clock.schedule(() => fail(timedOut(source, timeoutMs)), timeoutMs);
      const stop = (): void => fail(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      const answer = (whole: SourceAnswer): void => {
        settle();
        resolve(whole);
      };
      outgoing.on('response', (incoming) => readAnswer(source, incoming, answer, fail));
      outgoing.on('error', (error) => fail(connectionFailed(source, error)));
      outgoing.on('close', () => fail(sourceUnavailable(source, 'ended the connection; try again')));
      if (signal.aborted) stop();
      else outgoing.end(body);
    });

  return {
    async send(given, signal) {
      const trusted = await options.trusted?.();
      if (isClosed) throw closed();
      return exchange(given, trusted, signal);
    },
    close() {
      isClosed = true;
      for (const outgoing of underWay) outgoing.destroy();
      agent.destroy();
    },
  };
}

/** Opens a request that only lacks its body. */
function begin(
  { source, address }: SourceClientOptions,
  agent: HttpAgent | HttpsAgent,
  given: SourceRequest,
  { body, trusted }: { readonly body: Buffer | undefined; readonly trusted: string | undefined },
): ClientRequest {
  const start = address.protocol === 'https:' ? requestHttps : requestHttp;
  const base = address.pathname.replace(/\/+$/, '');
  const { hostname, port } = urlToHttpOptions(address);
  try {
    return start({
      hostname,
      port,
      method: given.method,
      path: `${base}${given.path}`,
      headers: { ...given.headers, ...(body === undefined ? {} : { 'content-length': body.byteLength }) },
      agent,
      ...(trusted === undefined ? {} : { ca: trusted }),
    });
  } catch (error) {
    // A token with a line break in it, for example.
    throw connectionFailed(source, toError(error));
  }
}

function readAnswer(
  source: string,
  incoming: IncomingMessage,
  answer: (whole: SourceAnswer) => void,
  fail: (error: unknown) => void,
): void {
  const { statusCode: status = 0, headers } = incoming;
  if (status >= 300 && status < 400) {
    const what = 'answered with a redirect, which is not followed: what it is asked with is for this address alone';
    return fail(sourceError('CREDENTIAL_STORAGE_FAILED', source, what, { details: { status } }));
  }
  const tooLarge = (): void => {
    const what = `answered with more than ${MAX_ANSWER_BYTES} bytes`;
    fail(sourceError('CREDENTIAL_TOO_LARGE', source, what, { details: { limit: MAX_ANSWER_BYTES } }));
  };
  if (Number(headers['content-length'] ?? 0) > MAX_ANSWER_BYTES) return tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) tooLarge();
    else chunks.push(chunk);
  });
  incoming.on('error', (error) => fail(connectionFailed(source, error)));
  incoming.on('end', () => answer({ status, headers, body: Buffer.concat(chunks) }));
}

function timedOut(source: string, timeoutMs: number): Error {
  return sourceError('CREDENTIAL_STORAGE_TIMEOUT', source, `did not answer within ${timeoutMs} ms; try again`, {
    retryable: true,
    details: { timeoutMs },
  });
}

function connectionFailed(source: string, error: Error & { readonly code?: string }): Error {
  const { code = 'UNKNOWN' } = error;
  // Never the error itself: one of the parser carries the bytes that it could not read, and a secret may be among them.
  const cause = new Error(code.startsWith('HPE_') || error.message === '' ? code : error.message);
  const options = { cause, details: { reason: code } };
  if (UNTRUSTED.test(code)) {
    const what = 'has a certificate that is not trusted: give the source the one of whoever issued it';
    return sourceError('CREDENTIAL_STORAGE_FAILED', source, what, options);
  }
  if (code.startsWith('HPE_') || code.startsWith('ERR_INVALID_')) {
    return sourceError(
      'CREDENTIAL_STORAGE_FAILED',
      source,
      'cannot be spoken to in HTTP: something in the request or in its answer is malformed',
      options,
    );
  }
  return sourceUnavailable(source, 'cannot be reached, or broke off; try again', options);
}

/** How long a server asks to wait, in milliseconds: `Retry-After` of RFC 9110, in seconds or as a date. */
export function retryAfterMs(answer: SourceAnswer, clock: Clock): number | undefined {
  const value = answer.headers['retry-after']?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.now());
}
