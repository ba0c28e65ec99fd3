/** How waits grow. */
export interface BackOff {
  /** The first, in milliseconds. */
  readonly initialDelayMs: number;
  /** By what each further one multiplies it. */
  readonly factor: number;
  /** The longest, in milliseconds. */
  readonly maxDelayMs: number;
}

/**
 * How long to wait, in milliseconds. Half of each wait is random, so that many processes do not come back together ("equal jitter", AWS
 * Architecture Blog, "Exponential Backoff And Jitter", 2015).
 *
 * @param times - how many waits were before it
 * @param random - from 0 up to 1, not included
 */
export function backOffMs(
  { initialDelayMs, factor, maxDelayMs }: BackOff,
  times: number,
  random: () => number,
): number {
  const fullMs = Math.min(maxDelayMs, initialDelayMs * factor ** times);
  return fullMs / 2 + (random() * fullMs) / 2;
}
