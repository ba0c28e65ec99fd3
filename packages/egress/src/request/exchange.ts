import { Readable } from 'node:stream';
import type { ConnectionPool, HeldConnection } from '../connection/connection-pool.ts';
import { openHttpConnection } from '../connection/http-connection.ts';
import { connectFailed, openCheckedSocket } from '../connection/open-checked-socket.ts';
import type { EgressConfig } from '../egress-options.ts';
import { egressError } from '../errors.ts';
import type { EgressTarget } from '../policy/check-url.ts';
import { resolveChecked } from '../resolution/checked-addresses.ts';
import type { NameCache } from '../resolution/name-cache.ts';
import { acceptedEncodings } from '../response/decode-body.ts';
import { exchangeError } from '../response/exchange-error.ts';
import type { PreparedRequest } from './egress-request.ts';
import type { RequestLife } from './request-life.ts';

/** What {@link exchange} needs. */
export interface ExchangeParts {
  readonly config: EgressConfig;
  readonly names: NameCache;
  readonly pool: ConnectionPool;
}

/** The headers of an answer, by name in lower case. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The beginning of an answer; its body is still on the line. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly raw: Readable;
  readonly held: HeldConnection;
}

// A server may close each connection that is kept at the moment in which it is used. This often it may, then a new one is made.
const MOST_REUSES = 2;

/**
 * Sends one request to one target and waits for the headers of the answer. It is sent once at most: another connection is
 * taken only when the first was gone before anything was written.
 */
export async function exchange(
  target: EgressTarget,
  request: PreparedRequest,
  parts: ExchangeParts,
  life: RequestLife,
): Promise<RawAnswer> {
  const { config, names } = parts;
  for (let reuses = 0; ; reuses += 1) {
    const addresses = await life.during(resolveChecked(target, { ...config, names }));
    const held = await connect(target, addresses, parts, life, reuses >= MOST_REUSES);
    const sending = { isWritten: false };
    try {
      return await send(target, request, held, parts.config, life, sending);
    } catch (error) {
      held.release(false);
      life.signal.throwIfAborted();
      const isUnsent = !sending.isWritten && (error as { code?: unknown }).code !== 'UND_ERR_INVALID_ARG';
      if (isUnsent && held.isReused) continue;
      throw isUnsent ? connectFailed(target.hostname, error) : exchangeError(target.hostname, error);
    }
  }
}

function connect(
  target: EgressTarget,
  addresses: readonly string[],
  { config, pool }: ExchangeParts,
  life: RequestLife,
  isFresh: boolean,
): Promise<HeldConnection> {
  const { origin } = target.url;
  return pool.acquire({
    origin,
    host: target.hostname,
    addresses,
    isFresh,
    signal: life.signal,
    open: async (onClosed) => {
      const socket = await openCheckedSocket(target, addresses, config, life);
      return openHttpConnection(socket, { ...config, origin, onClosed });
    },
  });
}

async function send(
  { url }: EgressTarget,
  { method, headers, body }: PreparedRequest,
  held: HeldConnection,
  config: EgressConfig,
  life: RequestLife,
  sending: { isWritten: boolean },
): Promise<RawAnswer> {
  let limit = life.limit('headers', config.headersTimeoutMs);
  const restart = (): void => {
    limit.cancel();
    limit = life.limit('headers', config.headersTimeoutMs);
  };
  try {
    const answer = await held.connection.request(
      {
        path: `${url.pathname}${url.search}`,
        method,
        headers: headersToSend(headers, config),
        ...(body === undefined ? {} : { body: bodyToSend(body, life, restart) }),
        signal: life.signal,
      },
      () => {
        sending.isWritten = true;
        life.markSent();
      },
    );
    return { status: answer.statusCode, headers: answer.headers, raw: answer.body, held };
  } finally {
    limit.cancel();
  }
}

function headersToSend(
  headers: PreparedRequest['headers'],
  { decompress }: EgressConfig,
): Record<string, string | string[]> {
  const sent = [...headers].map(([name, value]) => [name, typeof value === 'string' ? value : [...value]] as const);
  const asksFor = decompress && !headers.has('accept-encoding') ? { 'accept-encoding': acceptedEncodings } : {};
  return { ...asksFor, ...Object.fromEntries(sent) };
}

type SentBody = string | Uint8Array | Readable;

/** A body that is read as it is sent puts off the time for the answer with every part. */
function bodyToSend(body: NonNullable<PreparedRequest['body']>, life: RequestLife, onPart: () => void): SentBody {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  const parts = async function* readParts(): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of body) {
        onPart();
        yield typeof part === 'string' ? Buffer.from(part) : part;
      }
    } catch (cause) {
      life.fail(egressError('EGRESS_REQUEST_INVALID', 'the body of the request failed while it was sent', { cause }));
      throw cause;
    }
  };
  return Readable.from(parts(), { objectMode: false });
}
