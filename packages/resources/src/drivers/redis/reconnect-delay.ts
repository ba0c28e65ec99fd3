/**
 * How long to wait before a reconnect: twice as long each time up to the limit, half of it random, so that processes that lost the same
 * server do not come back together.
 *
 * @param attempt - from 1
 * @param random - from 0 up to 1, not included
 * @returns milliseconds, or `null` when it was tried often enough
 */
export function reconnectDelayMs(
  attempt: number,
  limits: { readonly reconnectInitialMs: number; readonly reconnectMaxMs: number; readonly maxReconnects: number },
  random: () => number,
): number | null {
  if (attempt > limits.maxReconnects) return null;
  const fullMs = Math.min(limits.reconnectMaxMs, limits.reconnectInitialMs * 2 ** (attempt - 1));
  return fullMs * (0.5 + random() / 2);
}
