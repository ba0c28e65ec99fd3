import { checkNumber } from '../check-number.ts';

/** What a {@link Backoff} decides by. */
export interface BackoffInput {
  /** 1 before the first retry. */
  readonly retry: number;
  /** What the backoff said before the retry before this one; 0 before the first. */
  readonly previousDelayMs: number;
  readonly error: unknown;
  /** A number from 0 up to 1. */
  readonly random: () => number;
}

/** How long to wait before a retry, in milliseconds; `Infinity` gives up. Write your own, or make one with the functions below. */
export type Backoff = (input: BackoffInput) => number;

/** `none`: the delay itself. `full`: anywhere between 0 and the delay. `equal`: between half the delay and all of it. */
export type Jitter = 'none' | 'full' | 'equal';

/** What {@link fixedBackoff} takes. */
export interface FixedBackoffOptions {
  /** The delay, in milliseconds, 0 or more. */
  readonly delayMs: number;
  /** Default `none`. */
  readonly jitter?: Jitter;
}

/** What {@link linearBackoff} takes. */
export interface LinearBackoffOptions {
  /** The delay before the first retry, in milliseconds. Default: the step. */
  readonly initialMs?: number;
  /** By how much each delay is longer, in milliseconds. */
  readonly stepMs: number;
  /** The longest delay, in milliseconds. Default 10,000. */
  readonly maxMs?: number;
  /** Default `none`. */
  readonly jitter?: Jitter;
}

/** What {@link exponentialBackoff} takes. */
export interface ExponentialBackoffOptions {
  /** The delay before the first retry, in milliseconds. Default 100. */
  readonly initialMs?: number;
  /** By how many times each delay is longer, 1 or more. Default 2. */
  readonly factor?: number;
  /** The longest delay, in milliseconds. Default 10,000. */
  readonly maxMs?: number;
  /** Default `full`: callers that failed together do not come back together. */
  readonly jitter?: Jitter;
}

/** What {@link decorrelatedJitter} takes. */
export interface DecorrelatedJitterOptions {
  /** The shortest delay, in milliseconds. Default 100. */
  readonly initialMs?: number;
  /** The longest delay, in milliseconds. Default 10,000. */
  readonly maxMs?: number;
}

const jitters: Readonly<Record<Jitter, (delayMs: number, random: () => number) => number>> = {
  none: (delayMs) => delayMs,
  full: (delayMs, random) => delayMs * random(),
  equal: (delayMs, random) => (delayMs / 2) * (1 + random()),
};

/** Always the same delay. */
export function fixedBackoff(options: FixedBackoffOptions): Backoff {
  const delayMs = checkNumber('fixedBackoff.delayMs', options.delayMs, { min: 0 });
  const jitter = jitters[options.jitter ?? 'none'];
  return ({ random }) => jitter(delayMs, random);
}

/** Each delay longer than the one before by the same step. */
export function linearBackoff(options: LinearBackoffOptions): Backoff {
  const stepMs = checkNumber('linearBackoff.stepMs', options.stepMs, { min: 0 });
  const initialMs = checkNumber('linearBackoff.initialMs', options.initialMs ?? stepMs, { min: 0 });
  const maxMs = checkNumber('linearBackoff.maxMs', options.maxMs ?? 10_000, { min: 0 });
  const jitter = jitters[options.jitter ?? 'none'];
  return ({ retry, random }) => jitter(Math.min(maxMs, initialMs + stepMs * (retry - 1)), random);
}

/**
 * Each delay a number of times longer than the one before, with jitter: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const initialMs = checkNumber('exponentialBackoff.initialMs', options.initialMs ?? 100, { min: 0 });
  const factor = checkNumber('exponentialBackoff.factor', options.factor ?? 2, { min: 1 });
  const maxMs = checkNumber('exponentialBackoff.maxMs', options.maxMs ?? 10_000, { min: 0 });
  const jitter = jitters[options.jitter ?? 'full'];
  return ({ retry, random }) => jitter(Math.min(maxMs, initialMs * factor ** (retry - 1)), random);
}

/** Each delay anywhere between the shortest one and three times the one before: "decorrelated jitter" of the same article. */
export function decorrelatedJitter(options: DecorrelatedJitterOptions = {}): Backoff {
  const initialMs = checkNumber('decorrelatedJitter.initialMs', options.initialMs ?? 100, { min: 0 });
  const maxMs = checkNumber('decorrelatedJitter.maxMs', options.maxMs ?? 10_000, { min: initialMs });
  return ({ previousDelayMs, random }) => {
    const most = Math.max(initialMs, previousDelayMs) * 3;
    return Math.min(maxMs, initialMs + (most - initialMs) * random());
  };
}
