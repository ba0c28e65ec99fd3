import { isCodedError } from '@tenon/core';

/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3): seconds, or an HTTP date.
 *
 * @param header - the header's value; `null` and `undefined` when there is none
 * @param nowMs - the present, in epoch milliseconds: `clock.now()`
 * @returns how long to wait, in milliseconds, 0 for a date in the past; `undefined` for what is neither
 */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  // Every form of an HTTP date begins with the day of the week; Date.parse alone takes almost anything.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** What an error itself says about when to come back: `retryAfterMs` of a coded error. */
export function retryAfterOf(error: unknown): number | undefined {
  return isCodedError(error) ? error.retryAfterMs : undefined;
}
