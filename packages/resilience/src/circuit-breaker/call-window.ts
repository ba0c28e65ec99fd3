/** What a circuit breaker remembers of calls, and when that is too much. */
export interface CallWindow {
  /**
   * Takes the end of a call.
   *
   * @returns whether the circuit should open now; only a bad call can bring that about
   */
  record(failed: boolean, slow: boolean): boolean;
  /** Forgets everything. */
  reset(): void;
}

/** The limits of a window of many calls, resolved. */
export interface WindowLimits {
  readonly failureRatio: number;
  readonly slowRatio: number;
  readonly minimumCalls: number;
}

/** Whether so many bad calls are too many. */
export function isOverLimit(limits: WindowLimits, calls: number, failures: number, slow: number): boolean {
  if (calls < limits.minimumCalls) return false;
  return failures >= limits.failureRatio * calls || slow >= limits.slowRatio * calls;
}
