import type { Clock, Timer } from '../clock.ts';

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /**
   * Moves time on by `ms`, fires what falls due in order, and lets the promises that wait on it continue.
   *
   * @param ms - 0 or more: monotonic time never goes back
   */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock alone, as an administrator would; timers do not notice. */
  setNow(epochMs: number): void;
  /** How many timers wait. A test that ends with some has a leak. */
  pending(): number;
}

/**
 * Makes a clock for tests.
 *
 * @param startMs - its first `now()`, epoch milliseconds; default 2026-01-01T00:00:00Z
 */
export function createTestClock(startMs: number = Date.UTC(2026, 0, 1)): TestClock {
  let elapsed = 0;
  let offset = startMs;
  let sequence = 0;
  const timers = new Map<number, { dueMs: number; callback: () => void }>();

  return {
    now: () => offset + elapsed,
    monotonicMs: () => elapsed,
    schedule(callback: () => void, delayMs: number): Timer {
      const id = (sequence += 1);
      timers.set(id, { dueMs: elapsed + Math.max(0, delayMs), callback });
      return { cancel: () => void timers.delete(id) };
    },
    async advance(ms: number): Promise<void> {
      if (!(ms >= 0)) throw new RangeError(`a clock cannot advance by ${ms} ms`);
      const target = elapsed + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.dueMs <= target);
        const next = due.toSorted(
          ([leftId, left], [rightId, right]) => left.dueMs - right.dueMs || leftId - rightId,
        )[0];
        if (next === undefined) break;
        const [id, timer] = next;
        timers.delete(id);
        elapsed = Math.max(elapsed, timer.dueMs);
        timer.callback();
        await settle();
      }
      // Another advance may have gone further meanwhile.
      elapsed = Math.max(elapsed, target);
      await settle();
    },
    setNow(epochMs: number): void {
      offset = epochMs - elapsed;
    },
    pending: () => timers.size,
  };
}

// Awaited callbacks chain several microtasks (and real I/O needs a turn of the loop): give both a chance to settle.
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
