import { resilienceError } from './errors.ts';

/** The range of a numeric option. */
export interface NumberRange {
  /** The least that is allowed. Default: no bound but `above`. */
  readonly min?: number;
  /** What the value must be above. */
  readonly above?: number;
  /** The most that is allowed. Default: no bound, `Infinity` included. */
  readonly max?: number;
  /** Whether only whole numbers (and `Infinity`, if the range has it) are allowed. Default `false`. */
  readonly whole?: boolean;
}

/**
 * Gives an option back when it is in its range.
 *
 * @param option - as the user wrote it, for example `retry.attempts`
 * @throws `RESILIENCE_OPTIONS_INVALID` when it is not
 */
export function checkNumber(option: string, value: number, range: NumberRange): number {
  const { min = -Infinity, above = -Infinity, max = Infinity, whole = false } = range;
  const isWhole = !whole || Number.isInteger(value) || value === Infinity;
  if (typeof value === 'number' && value >= min && value > above && value <= max && isWhole) return value;
  const kind = whole ? 'a whole number' : 'a number';
  const least = range.above === undefined ? `of at least ${min}` : `above ${above}`;
  const bounds = max === Infinity ? least : `${least} and at most ${max}`;
  throw resilienceError('RESILIENCE_OPTIONS_INVALID', `${option} must be ${kind} ${bounds}, and is ${String(value)}`, {
    details: { option },
  });
}
