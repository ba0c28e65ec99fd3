import { isOverLimit, type CallWindow, type WindowLimits } from './call-window.ts';

const FAILED = 1;
const SLOW = 2;

/** The last so many calls: a ring of one byte for each, with running sums. */
export function countWindow(calls: number, limits: WindowLimits): CallWindow {
  const ring = new Uint8Array(calls);
  let next = 0;
  let filled = 0;
  let failures = 0;
  let slowCalls = 0;
  const weigh = (mark: number, by: 1 | -1): void => {
    if ((mark & FAILED) !== 0) failures += by;
    if ((mark & SLOW) !== 0) slowCalls += by;
  };
  return {
    record(failed, slow): boolean {
      const mark = (failed ? FAILED : 0) | (slow ? SLOW : 0);
      const dropped = ring[next] ?? 0;
      if (dropped !== 0) weigh(dropped, -1);
      if (mark !== 0) weigh(mark, 1);
      ring[next] = mark;
      next = next + 1 === calls ? 0 : next + 1;
      if (filled < calls) filled += 1;
      return mark !== 0 && isOverLimit(limits, filled, failures, slowCalls);
    },
    reset(): void {
      ring.fill(0);
      next = filled = failures = slowCalls = 0;
    },
  };
}
