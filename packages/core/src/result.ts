/** A success that carries a value. */
export interface Ok<Value> {
  readonly ok: true;
  readonly value: Value;
}

/** An expected failure that carries a typed reason. */
export interface Err<Reason> {
  readonly ok: false;
  readonly error: Reason;
}

/**
 * An expected outcome as a value: switch on `ok`, and the compiler narrows the rest. Broken contracts and failing
 * infrastructure are thrown instead.
 */
export type Result<Value, Reason> = Ok<Value> | Err<Reason>;

/** A success. */
export function ok<Value>(value: Value): Ok<Value> {
  return Object.freeze({ ok: true, value });
}

/** An expected failure. */
export function err<Reason>(error: Reason): Err<Reason> {
  return Object.freeze({ ok: false, error });
}

/** Applies `change` to the value of a success; a failure passes through untouched. */
export function mapResult<Value, Next, Reason>(
  result: Result<Value, Reason>,
  change: (value: Value) => Next,
): Result<Next, Reason> {
  return result.ok ? ok(change(result.value)) : result;
}

/** Runs a step that may fail after a success; a failure passes through untouched. */
export function andThen<Value, Next, Reason, NextReason>(
  result: Result<Value, Reason>,
  step: (value: Value) => Result<Next, NextReason>,
): Result<Next, Reason | NextReason> {
  return result.ok ? step(result.value) : result;
}

/**
 * The value of a success.
 *
 * @throws the failure's reason itself when it is an `Error`, else an `Error` that has the reason as its cause
 */
export function unwrap<Value>(result: Result<Value, unknown>): Value {
  if (result.ok) return result.value;
  throw result.error instanceof Error
    ? result.error
    : new Error('unwrap was called on a failed result', { cause: result.error });
}
