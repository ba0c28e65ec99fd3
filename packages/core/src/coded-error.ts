/** A value that survives JSON unchanged. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Facts about a failure that are safe to show to the caller: names, limits, counts. Never a secret or a payload. */
export type ErrorDetails = Readonly<Record<string, JsonValue>>;

/** What a {@link CodedError} is made of besides code and message. */
export interface CodedErrorOptions {
  /** The failure beneath this one. It is for logs: it is never shown to a remote caller. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later without any change. Default `false`. */
  readonly retryable?: boolean;
  /** How long a caller should wait before the retry, in milliseconds. Only meaningful with `retryable`. */
  readonly retryAfterMs?: number;
  /** Facts safe to show. Default `{}`. */
  readonly details?: ErrorDetails;
}

// Registered, so that two copies of this package in one process recognise each other's errors.
const brand: unique symbol = Symbol.for('tenon.coded-error') as never;

/**
 * The one error class of Tenon: a stable `code` to switch on, a message for people, and facts that are safe to show.
 *
 * Each package exports the union of the codes that it raises; codes are API and are never renamed.
 *
 * @example
 * ```ts
 * throw new CodedError('PRODUCT_NOT_FOUND', `product "${id}" does not exist in this tenant`, { details: { id } });
 * ```
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: ErrorDetails;

  /**
   * @param code - `UPPER_SNAKE` name, stable for ever
   * @param message - what failed, which name, what to do; never a secret
   * @param options - cause, retry advice and safe details
   */
  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.details = Object.freeze({ ...options.details });
    Object.defineProperty(this, brand, { value: true });
  }

  /** The shape that may leave the process: no stack and no cause. */
  toJSON(): { code: Code; message: string; retryable: boolean; details: ErrorDetails } {
    return { code: this.code, message: this.message, retryable: this.retryable, details: this.details };
  }
}

/**
 * Tells whether a thrown value is a {@link CodedError}, also one made by another copy of this package.
 *
 * @param error - anything that was thrown
 * @param codes - when given, the error must carry one of these codes
 */
export function isCodedError<Code extends string = string>(
  error: unknown,
  ...codes: readonly Code[]
): error is CodedError<Code> {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  const { code } = error as { readonly code?: unknown };
  return codes.length === 0 || codes.some((one) => one === code);
}

/**
 * A failure in a word, for spans, figures and events: the code of a coded error, else the name of its class. Messages may hold what
 * belongs in none of them.
 */
export function codeOfFailure(thrown: unknown): string {
  return isCodedError(thrown) ? thrown.code : toError(thrown).name;
}

/** Turns anything that was thrown into an `Error`, so that it can be logged or used as a `cause`; the value is its cause. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === 'string') return new Error(thrown);
  return new Error(`a value of type ${typeof thrown} was thrown`, { cause: thrown });
}
