import { randomFillSync } from 'node:crypto';
import { systemClock, type Clock } from './clock.ts';
import { coreError } from './errors.ts';

/** What {@link createIdGenerator} takes. */
export interface IdGeneratorOptions {
  /** Where the time part comes from. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Fills bytes at random. Default: the system's generator. */
  readonly fillRandom?: (bytes: Uint8Array) => void;
}

const POOL_BYTES = 4096;
// Eight for the last part of the id, two for the counter's start: the two must not share bits, or an id has fewer.
const BYTES_PER_ID = 10;

/**
 * Makes a generator of UUID version 7 ids (RFC 9562, section 5.7): sortable by creation time, and strictly increasing
 * within one generator by method 1 of section 6.2 (a 12-bit counter in `rand_a`, which borrows a millisecond when it
 * overflows or when the wall clock steps back).
 *
 * @example
 * ```ts
 * const newId = createIdGenerator();
 * newId(); // '019a9f6e-9c1f-7000-8e4c-5a1f0d2b9c11'
 * ```
 */
export function createIdGenerator(options: IdGeneratorOptions = {}): () => string {
  const clock = options.clock ?? systemClock;
  const fillRandom = options.fillRandom ?? ((bytes: Uint8Array) => void randomFillSync(bytes));
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  let lastMs = -1;
  let counter = 0;

  return () => {
    // One system call for 400 ids: a call each costs more than the rest of this function.
    if (used + BYTES_PER_ID > POOL_BYTES) {
      fillRandom(pool);
      used = 0;
    }
    const now = Math.floor(clock.now());
    if (now > lastMs) {
      lastMs = now;
      // Starts in the lower half, so that a burst has at least 2,048 ids before the counter borrows from the future.
      counter = (((pool[used + 8] as number) << 8) | (pool[used + 9] as number)) & 0x7ff;
    } else if (counter === 0xfff) {
      lastMs += 1;
      counter = 0;
    } else {
      counter += 1;
    }
    const time = lastMs.toString(16).padStart(12, '0');
    const random = Buffer.from(pool.buffer, pool.byteOffset + used, 8);
    random[0] = ((random[0] as number) & 0x3f) | 0x80;
    const tail = random.toString('hex');
    used += BYTES_PER_ID;
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}

/** A new UUID version 7, from the machine's clock. */
export const newId: () => string = createIdGenerator();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Tells whether text is a UUID of any version in canonical lower case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/**
 * The creation time inside a version 7 id, in epoch milliseconds.
 *
 * @throws `ID_INVALID` when the text is not a version 7 UUID
 */
export function idTime(id: string): number {
  if (!isUuid(id) || id[14] !== '7') throw coreError('ID_INVALID', 'the id is not a UUID of version 7');
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
