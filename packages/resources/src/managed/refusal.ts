import type { Clock } from '@tenon/core';
import { resourceError, type ResourceError } from '../errors.ts';
import type { RecoveryGate } from '../health/recovery-gate.ts';

/** While somebody tries it, or is to look at it, the answer is not known: after so many milliseconds it may be. */
const SOON_MS = 50;
const HELD_MS = 1_000;

/** Why a resource is not lent now: `undefined` when it is. @param heldFor - the reason why it is held back */
export function refusalOf(
  resource: string,
  gate: RecoveryGate,
  heldFor: string | undefined,
  clock: Clock,
): ResourceError | undefined {
  const { state } = gate;
  if (heldFor !== undefined) return unavailable(resource, `it is held back: ${heldFor}`, HELD_MS);
  if (state.state === 'open') return undefined;
  if (state.state === 'given-up') {
    return unavailable(resource, `it was given up after ${state.attempts} tries to recover it`, undefined);
  }
  const retryInMs = Math.ceil(gate.retryInMs(clock.monotonicMs()) ?? 0) + SOON_MS;
  return unavailable(resource, 'it is quarantined, because it failed its health checks', retryInMs);
}

/** @param retryAfterMs - `undefined`: not before somebody does something about it */
export function unavailable(resource: string, why: string, retryAfterMs: number | undefined): ResourceError {
  return resourceError('RESOURCE_UNAVAILABLE', `resource "${resource}" cannot be had now: ${why}`, {
    retryable: retryAfterMs !== undefined,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { resource },
  });
}
