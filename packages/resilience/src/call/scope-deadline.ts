import type { Deadline } from '@tenon/core';
import { resilienceError } from '../errors.ts';
import type { CallScope } from './call-scope.ts';

/** The deadline of a scope, for code that takes one. It holds no timer of its own, so there is nothing to cancel. */
export function scopeDeadline(scope: CallScope): Deadline {
  const { clock } = scope.run;
  return {
    atMs: scope.deadlineAtMs,
    get signal() {
      return scope.signal;
    },
    remainingMs: () => Math.max(0, scope.deadlineAtMs - clock.monotonicMs()),
    check(): void {
      if (scope.aborted !== undefined) throw scope.reason;
      if (clock.monotonicMs() < scope.deadlineAtMs) return;
      throw resilienceError('CALL_TIMED_OUT', 'the moment by which the call had to end has passed', {
        retryable: true,
      });
    },
    cancel: () => undefined,
  };
}
