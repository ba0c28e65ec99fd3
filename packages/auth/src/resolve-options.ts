import { createIdGenerator, silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import { authError } from './errors.ts';
import type { AuthOptions, ThrottleOptions } from './options.ts';

/** {@link AuthOptions} with nothing left open, without the parts that it works with. */
export interface AuthConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly logger: Logger;
  readonly random: () => number;
  readonly bcryptCost: number;
  readonly hashConcurrency: number;
  readonly hashQueueMax: number;
  readonly accessTokenTtlMs: number;
  readonly refreshIdleMs: number;
  readonly refreshAbsoluteMs: number;
  readonly refreshReuseGraceMs: number;
  readonly sessionCheckTtlMs: number;
  readonly throttle: Required<ThrottleOptions>;
}

const SECOND = 1_000;
const DAY = 86_400_000;
const YEAR = 365 * DAY;

function invalid(name: string, problem: string): Error {
  return authError('AUTH_OPTIONS_INVALID', `auth option "${name}" ${problem}`, { details: { option: name } });
}

function checked(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(name, `must be a whole number from ${min} to ${max}`);
}

function checkedText(name: string, value: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw invalid(name, 'must be text that is not empty');
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws `AUTH_OPTIONS_INVALID` naming the option
 */
export function resolveAuthOptions(options: AuthOptions): AuthConfig {
  const clock = options.clock ?? systemClock;
  return {
    issuer: checkedText('issuer', options.issuer),
    audience: checkedText('audience', options.audience),
    clock,
    newId: options.newId ?? createIdGenerator({ clock }),
    logger: options.logger ?? silentLogger,
    random: options.random ?? Math.random,
    bcryptCost: checked('bcryptCost', options.bcryptCost ?? 12, 4, 15),
    hashConcurrency: checked('hashConcurrency', options.hashConcurrency ?? 2, 1, 64),
    hashQueueMax: checked('hashQueueMax', options.hashQueueMax ?? 64, 0, 10_000),
    accessTokenTtlMs: checked('accessTokenTtlMs', options.accessTokenTtlMs ?? 900 * SECOND, SECOND, DAY),
    refreshIdleMs: checked('refreshIdleMs', options.refreshIdleMs ?? 7 * DAY, SECOND, YEAR),
    refreshAbsoluteMs: checked('refreshAbsoluteMs', options.refreshAbsoluteMs ?? 30 * DAY, SECOND, YEAR),
    refreshReuseGraceMs: checked('refreshReuseGraceMs', options.refreshReuseGraceMs ?? 10 * SECOND, 0, 10 * SECOND),
    sessionCheckTtlMs: checked('sessionCheckTtlMs', options.sessionCheckTtlMs ?? SECOND, 0, 60 * SECOND),
    throttle: resolveThrottle(options.throttle ?? {}),
  };
}

function resolveThrottle(given: ThrottleOptions): Required<ThrottleOptions> {
  const baseDelayMs = checked('throttle.baseDelayMs', given.baseDelayMs ?? SECOND, 100, 60 * SECOND);
  return {
    accountFreeAttempts: checked('throttle.accountFreeAttempts', given.accountFreeAttempts ?? 5, 1, 1_000),
    addressFreeAttempts: checked('throttle.addressFreeAttempts', given.addressFreeAttempts ?? 50, 1, 100_000),
    baseDelayMs,
    maxDelayMs: checked('throttle.maxDelayMs', given.maxDelayMs ?? 900 * SECOND, baseDelayMs, DAY),
    forgetAfterMs: checked('throttle.forgetAfterMs', given.forgetAfterMs ?? 3_600 * SECOND, SECOND, 7 * DAY),
  };
}
