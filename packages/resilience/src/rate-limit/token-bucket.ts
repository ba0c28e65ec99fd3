import type { Clock } from '@tenon/core';

/**
 * A bucket of tokens that fills at a steady rate. It may be in debt: who waits has a token of the future already, so those who wait go
 * in the order in which they came, without a queue.
 */
export interface TokenBucket {
  /**
   * Takes a token.
   *
   * @param maxWaitMs - the longest wait that is of use to the caller
   * @returns after how many milliseconds the token may be used, 0 for now; above `maxWaitMs` none was taken
   */
  take(maxWaitMs: number): number;
  /** Gives back a token whose time had not come. */
  giveBack(): void;
  /** Tokens that lie ready. */
  available(): number;
}

/** Makes a bucket, full at first. */
export function createTokenBucket(capacity: number, tokensPerMs: number, clock: Clock): TokenBucket {
  let tokens = capacity;
  let filledMs = clock.monotonicMs();
  const fill = (): void => {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(capacity, tokens + (nowMs - filledMs) * tokensPerMs);
    filledMs = nowMs;
  };
  return {
    take(maxWaitMs) {
      fill();
      // Sums of fractions fall a little short of a whole token.
      const missing = 1 - tokens > 1e-9 ? 1 - tokens : 0;
      const waitMs = missing / tokensPerMs;
      if (waitMs <= maxWaitMs) tokens -= 1;
      return waitMs;
    },
    giveBack(): void {
      tokens = Math.min(capacity, tokens + 1);
    },
    available(): number {
      fill();
      return Math.max(0, Math.floor(tokens + 1e-9));
    },
  };
}
