import { backOffMs } from '../../waiting/back-off.ts';

/**
 * How long to wait before a reconnect: twice as long each time up to the limit, see {@link backOffMs}.
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
  const { reconnectInitialMs: initialDelayMs, reconnectMaxMs: maxDelayMs } = limits;
  return backOffMs({ initialDelayMs, factor: 2, maxDelayMs }, attempt - 1, random);
}
