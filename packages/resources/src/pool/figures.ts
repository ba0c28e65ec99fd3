/** The share of the newest acquire in the running mean of lent instances. */
export const RECENT_WEIGHT: number = 1 / 256;

/** Upper bounds of the wait histogram, in milliseconds. */
export const WAIT_BOUNDS_MS: readonly number[] = Object.freeze([
  1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
]);

/** What a pool counts. On the fast path these are additions, and nothing reads a clock. */
export class PoolFigures {
  acquisitions = 0;
  failedAcquisitions = 0;
  peakActive = 0;
  /** Running mean of how many instances were lent, as each acquire found it. */
  recentActive = 0;
  created = 0;
  createFailures = 0;
  lateCreates = 0;
  destroyed = 0;
  destroyFailures = 0;
  lost = 0;
  /** Leases whose instance was destroyed under them, lost ones included. */
  takenAway = 0;
  waits = 0;
  totalWaitMs = 0;
  readonly waitCounts: number[] = Array.from({ length: WAIT_BOUNDS_MS.length + 1 }, () => 0);
  validations = 0;
  failedValidations = 0;
  totalValidationMs = 0;
  lastValidationAtMs: number | undefined;

  /** Counts a wait that ended with a lease. */
  waited(waitMs: number): void {
    this.waits += 1;
    this.totalWaitMs += waitMs;
    let bucket = 0;
    while (bucket < WAIT_BOUNDS_MS.length && waitMs > (WAIT_BOUNDS_MS[bucket] ?? Infinity)) bucket += 1;
    this.waitCounts[bucket] = (this.waitCounts[bucket] ?? 0) + 1;
  }

  /** Counts an answer of `validate`, or that there was none. */
  validated(nowMs: number, durationMs: number, isFit: boolean): void {
    this.validations += 1;
    if (!isFit) this.failedValidations += 1;
    this.totalValidationMs += durationMs;
    this.lastValidationAtMs = nowMs;
  }
}
