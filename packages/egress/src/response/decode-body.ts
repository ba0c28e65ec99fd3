import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

/** What is asked of servers when the caller asks for nothing else. */
export const acceptedEncodings = 'gzip, deflate, br';

// 8 MiB, which is all that a server may ask for in HTTP (RFC 9659). By default it could make each answer take 128 MiB.
const zstdLimits = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const decoders: Readonly<Record<string, () => Transform>> = {
  br: () => createBrotliDecompress(),
  deflate: () => createInflate(),
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  zstd: () => createZstdDecompress(zstdLimits),
};

/**
 * The decoder for a `Content-Encoding`. There is none for several codings on top of each other: each would multiply what a
 * few bytes can become.
 */
export function decoderFor(encoding: string): (() => Transform) | undefined {
  const name = encoding.trim().toLowerCase();
  return Object.hasOwn(decoders, name) ? decoders[name] : undefined;
}

/**
 * Decodes chunk by chunk, never more ahead than one buffer of the decoder, so that a reader that stops early has cost little.
 *
 * @throws the decoder's error when the bytes are broken, or end too early
 */
export async function* decoded(
  encoded: AsyncIterable<Uint8Array>,
  makeDecoder: () => Transform,
): AsyncGenerator<Uint8Array> {
  const chunks = encoded[Symbol.asyncIterator]();
  const first = await chunks.next();
  // Nothing at all decodes to nothing, whatever the header says.
  if (first.done === true) return;
  const decoder = makeDecoder();
  const feeding = feed(decoder, first.value, chunks);
  feeding.catch(() => undefined);
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) yield chunk;
    await feeding;
  } finally {
    decoder.destroy();
  }
}

async function feed(decoder: Transform, first: Uint8Array, rest: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    for (let next: IteratorResult<Uint8Array> = { value: first }; next.done !== true; next = await rest.next()) {
      if (decoder.destroyed) return;
      if (!decoder.write(next.value)) await drained(decoder);
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
    throw error;
  }
}

function drained(decoder: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      decoder.removeListener('drain', done);
      decoder.removeListener('close', done);
      resolve();
    };
    decoder.on('drain', done);
    decoder.on('close', done);
  });
}
