import type { Readable } from 'node:stream';
import { isCodedError, type JsonValue } from '@tenon/core';
import { egressError } from '../errors.ts';
import type { RequestLife } from '../request/request-life.ts';
import { decoded, decoderFor } from './decode-body.ts';
import { exchangeError } from './exchange-error.ts';
import type { ResponseBody } from './response-body.ts';

/** What {@link readBody} takes. */
export interface BodySource {
  readonly raw: Readable;
  /** Whether there is none to come. */
  readonly isEmpty: boolean;
  readonly host: string;
  /** The `Content-Encoding` to undo; `undefined` gives the bytes as they came. */
  readonly encoding: string | undefined;
  /** What the server announced, when it did. */
  readonly contentLength: number | undefined;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly life: RequestLife;
  /**
   * Called when `raw` is not needed any more, before whoever has read it goes on: the next request finds its connection free.
   *
   * @param isSound - whether the server may be asked again on the same connection
   */
  readonly onDone: (isSound: boolean) => void;
}

// Cheaper to read than a connection is to make.
const MOST_DISCARDED = 65_536;

/** Gives a body its limits: on bytes, before and after decoding, and on the time between them. */
export function readBody(source: BodySource): ResponseBody {
  const { raw, host } = source;
  let isTaken = false;
  const take = (): AsyncGenerator<Uint8Array> => {
    if (isTaken) throw egressError('EGRESS_RESPONSE_INVALID', `the answer of "${host}" was read already`);
    isTaken = true;
    return limited(source);
  };
  const bytes = async (): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of take()) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes());
  return {
    bytes,
    text,
    async json(): Promise<JsonValue> {
      const body = await text();
      try {
        return JSON.parse(body) as JsonValue;
      } catch {
        // Not as the cause: the parser quotes the body.
        throw egressError('EGRESS_RESPONSE_INVALID', `the answer of "${host}" is not JSON`, {
          details: { host, mayHaveBeenSent: true },
        });
      }
    },
    stream: () => streamOf(take(), raw),
    async discard(): Promise<void> {
      if (!isTaken && (source.contentLength ?? 0) <= MOST_DISCARDED) {
        isTaken = true;
        await skim(source);
      }
      raw.destroy();
      source.onDone(true);
    },
    [Symbol.asyncIterator]: take,
  };
}

function streamOf(chunks: AsyncGenerator<Uint8Array>, raw: Readable): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    // Returning the generator would wait for the chunk that it waits for.
    cancel: () => void raw.destroy(),
  });
}

async function* limited(source: BodySource): AsyncGenerator<Uint8Array> {
  const { raw, encoding, contentLength, maxBodyBytes, life, host } = source;
  const makeDecoder = encoding === undefined ? undefined : decoderFor(encoding);
  let total = 0;
  let isSound = true;
  try {
    if ((contentLength ?? 0) > maxBodyBytes) throw tooLarge(source);
    // What is encoded is limited too: a stream that decodes to nothing would never end otherwise.
    const encoded = counted(timed(source), source);
    for await (const chunk of makeDecoder === undefined ? encoded : decoded(encoded, makeDecoder)) {
      total += chunk.byteLength;
      if (total > maxBodyBytes) throw tooLarge(source);
      yield chunk;
    }
  } catch (error) {
    isSound = false;
    if (isCodedError(error)) throw error;
    life.signal.throwIfAborted();
    throw exchangeError(host, error);
  } finally {
    raw.destroy();
    source.onDone(isSound);
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, source: BodySource): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.byteLength;
    if (total > source.maxBodyBytes) throw tooLarge(source);
    yield chunk;
  }
}

/** Time is counted while the reader waits: a slow reader is no slow server. */
async function* timed({ raw, isEmpty, life, bodyTimeoutMs }: BodySource): AsyncGenerator<Uint8Array> {
  if (isEmpty) return;
  const chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const limit = life.limit('body', bodyTimeoutMs);
    const next = await chunks.next().finally(() => limit.cancel());
    if (next.done === true) return;
    yield next.value;
  }
}

async function skim(source: BodySource): Promise<void> {
  let total = 0;
  try {
    for await (const chunk of timed(source)) {
      total += chunk.byteLength;
      if (total > MOST_DISCARDED) return;
    }
  } catch {
    // It was not wanted any more.
  }
}

function tooLarge({ host, maxBodyBytes }: BodySource): Error {
  return egressError('EGRESS_BODY_TOO_LARGE', `the answer of "${host}" is larger than ${maxBodyBytes} bytes`, {
    details: { host, maxBodyBytes, mayHaveBeenSent: true },
  });
}
