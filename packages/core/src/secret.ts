import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import { coreError } from './errors.ts';

/** What a {@link Secret} shows in place of its value, everywhere. */
export const REDACTED = '[secret]';

const brand: unique symbol = Symbol.for('tenon.secret') as never;

/**
 * Text that must not be shown. It prints as `[secret]` in strings, templates, JSON, `util.inspect`, `console.log` and
 * error messages; only {@link Secret.reveal} gives the value, so every use of it can be found by searching for one word.
 *
 * @example
 * ```ts
 * const password = new Secret('correct horse');
 * console.log(`signing in with ${password}`); // signing in with [secret]
 * connect({ password: password.reveal() });
 * ```
 */
export class Secret {
  readonly #value: string;

  /**
   * @param value - the plain value
   * @throws `SECRET_REDACTED` when the value is the redaction itself: a printed secret was read back as if it were real
   */
  constructor(value: string) {
    if (value.includes(REDACTED)) {
      throw coreError(
        'SECRET_REDACTED',
        `a secret was given as its redaction ${REDACTED}; it was printed somewhere and read back. Give the real value`,
      );
    }
    this.#value = value;
    Object.freeze(this);
  }

  /** The plain value. Call it at the last moment, and never keep what it returns. */
  reveal(): string {
    return this.#value;
  }

  /** Compares in constant time; neither value nor length leaks through timing. */
  equals(other: Secret | string): boolean {
    const theirs = typeof other === 'string' ? other : other.reveal();
    return timingSafeEqual(digest(this.#value), digest(theirs));
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  valueOf(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return 'Secret';
  }
}

// Defined here, because a computed name inside the class has no declared type for isolated declarations.
Object.defineProperty(Secret.prototype, inspect.custom, { value: () => REDACTED });
Object.defineProperty(Secret.prototype, brand, { value: true });

// As UTF-16: in UTF-8, a lone surrogate would become U+FFFD and so equal a text that it is not.
function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf16le').digest();
}

/** Tells whether a value is a {@link Secret}, also one made by another copy of this package. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && brand in value;
}
