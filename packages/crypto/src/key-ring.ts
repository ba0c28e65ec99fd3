import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Secret } from '@tenon/core';
import { cryptoError } from './errors.ts';
import { expandKey } from './hkdf.ts';
import { isKeyId, parseKeys, type ParsedKey } from './parse-keys.ts';
import { assertPurpose } from './purpose.ts';
import { createRingKey, KEY_BYTES, type RingKey } from './ring-key.ts';

/** What {@link KeyRing.generate} and {@link KeyRing.rotate} take. */
export interface NewKeyOptions {
  /** The id of the new key: 1 to 32 of `a-z`, `0-9`, `-`. Default: 8 hex digits, a fingerprint of the key. */
  readonly id?: string;
}

type Keys = readonly [RingKey, ...RingKey[]];

let readKeys: (ring: KeyRing) => Keys;

/**
 * Ordered keys with ids: the first one seals and signs, any of them opens and verifies. A ring is never empty, never
 * changes, and never shows its keys: only {@link KeyRing.format} gives them, as a {@link Secret}.
 *
 * @example
 * ```ts
 * const keys = KeyRing.fromEnv(process.env);            // TENON_KEYS=id:key,id:key
 * const envelope = seal(keys.subring('credentials'), token, { associatedData: ['acme', 'github'] });
 * ```
 */
export class KeyRing {
  readonly #keys: Keys;
  readonly #derivedFor: string | undefined;

  static {
    readKeys = (ring) => ring.#keys;
  }

  private constructor(keys: Keys, derivedFor?: string) {
    this.#keys = keys;
    this.#derivedFor = derivedFor;
    Object.freeze(this);
  }

  /**
   * Makes a ring of one fresh random key.
   *
   * @throws `KEY_RING_INVALID` when the given id is malformed
   */
  static generate(options: NewKeyOptions = {}): KeyRing {
    return new KeyRing([newKey(options, [])]);
  }

  /**
   * Reads the text form, `id:base64url,id:base64url`: 32-byte keys, base64url without padding, no white space inside.
   *
   * @param text - what {@link KeyRing.format} gave
   * @param source - where the text is from, named in messages. Default `the key ring`
   * @throws `KEY_RING_EMPTY` when there is no key, `KEY_RING_INVALID` when any part is malformed; neither shows material
   */
  static parse(text: string | Secret, source: string = 'the key ring'): KeyRing {
    const plain = typeof text === 'string' ? text : text.reveal();
    const [first, ...others] = parseKeys(plain, source);
    return new KeyRing([toRingKey(first), ...others.map(toRingKey)]);
  }

  /**
   * Reads the ring from a record of environment variables, which the application passes.
   *
   * @param env - usually `process.env`
   * @param name - the variable. Default `TENON_KEYS`
   * @throws `KEY_RING_EMPTY` when the variable is missing or empty, `KEY_RING_INVALID` when it is malformed
   */
  static fromEnv(env: Readonly<Record<string, string | undefined>>, name: string = 'TENON_KEYS'): KeyRing {
    return KeyRing.parse(env[name] ?? '', name);
  }

  /** The ids, in order; the first one seals. */
  get ids(): readonly string[] {
    return this.#keys.map((key) => key.id);
  }

  /**
   * The text form of the ring, which {@link KeyRing.parse} reads.
   *
   * @throws `KEY_RING_DERIVED` on a subring: what is kept is the ring it came from
   */
  format(): Secret {
    this.#assertRoot('be formatted');
    return new Secret(
      this.#keys.map(({ id, material }) => `${id}:${material.export().toString('base64url')}`).join(','),
    );
  }

  /**
   * A new ring with a fresh first key before all of these. What was sealed still opens; what is sealed from now on uses
   * the new key.
   *
   * @throws `KEY_RING_INVALID` when the given id is malformed or taken, `KEY_RING_DERIVED` on a subring
   */
  rotate(options: NewKeyOptions = {}): KeyRing {
    this.#assertRoot('be rotated');
    return new KeyRing([newKey(options, this.ids), ...this.#keys]);
  }

  /**
   * The ring of one purpose: the same ids, each key derived by HKDF-SHA-256, so that no key serves two purposes and
   * losing one purpose's keys loses no other. Keep the result; each call derives anew.
   *
   * @param purpose - 1 to 128 printable ASCII characters without space, for example `refresh-tokens`
   * @throws `PURPOSE_INVALID`
   */
  subring(purpose: string): KeyRing {
    assertPurpose(purpose);
    const [first, ...others] = this.#keys;
    const derive = ({ id, material }: RingKey): RingKey =>
      createRingKey(id, expandKey(material, `tenon/v1/ring/${purpose}`, KEY_BYTES));
    return new KeyRing([derive(first), ...others.map(derive)], purpose);
  }

  /** The ids alone: a ring inside a log line or an answer gives nothing away. */
  toJSON(): { readonly ids: readonly string[] } {
    return { ids: this.ids };
  }

  #assertRoot(what: string): void {
    if (this.#derivedFor !== undefined) {
      throw cryptoError(
        'KEY_RING_DERIVED',
        `the ring for "${this.#derivedFor}" is derived and cannot ${what}; use the ring it was derived from`,
      );
    }
  }
}

// Defined here, because a computed name inside the class has no declared type for isolated declarations.
Object.defineProperty(KeyRing.prototype, inspect.custom, {
  value(this: KeyRing): string {
    return `KeyRing { ids: ${inspect(this.ids)} }`;
  },
});

/** The keys of a ring, for the operations of this package alone: not exported from it. */
export function keysOf(ring: KeyRing): Keys {
  return readKeys(ring);
}

/** The key with an id, or `undefined`. */
export function findKey(ring: KeyRing, id: string): RingKey | undefined {
  return readKeys(ring).find((key) => key.id === id);
}

function newKey(options: NewKeyOptions, taken: readonly string[]): RingKey {
  const bytes = randomBytes(KEY_BYTES);
  // A hash of 256 random bits gives nothing away, and the id follows the key wherever its text is copied.
  const id = options.id ?? createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  const material = createSecretKey(bytes);
  bytes.fill(0);
  if (!taken.includes(id) && isKeyId(id)) return createRingKey(id, material);
  if (options.id === undefined) return newKey(options, taken);
  throw cryptoError(
    'KEY_RING_INVALID',
    taken.includes(id)
      ? `the ring already has a key with the id "${id}"; each id stands for one key`
      : 'the id of the new key is not 1 to 32 lower-case letters, digits or "-"',
  );
}

function toRingKey({ id, material }: ParsedKey): RingKey {
  return createRingKey(id, material);
}
