import type { Clock } from '@tenon/core';
import { isOverLimit, type CallWindow, type WindowLimits } from './call-window.ts';

const SLICES = 10;

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function increase(values: Float64Array, slice: number): void {
  values[slice] = (values[slice] ?? 0) + 1;
}

/**
 * The calls of the last so many milliseconds, in ten slices: what is forgotten is up to a tenth younger than the window. Slices are
 * cleared when time is found to have passed, not by a timer.
 */
export function timeWindow(windowMs: number, clock: Clock, limits: WindowLimits): CallWindow {
  const sliceMs = windowMs / SLICES;
  const calls = new Float64Array(SLICES);
  const failures = new Float64Array(SLICES);
  const slowCalls = new Float64Array(SLICES);
  const sliceNow = (): number => Math.floor(clock.monotonicMs() / sliceMs);
  let current = sliceNow();

  const clear = (slice: number): void => {
    calls[slice] = failures[slice] = slowCalls[slice] = 0;
  };
  const moveOn = (): void => {
    const now = sliceNow();
    const passed = Math.min(SLICES, now - current);
    for (let step = 0; step < passed; step += 1) clear((now - step) % SLICES);
    current = now;
  };
  return {
    record(failed, slow): boolean {
      moveOn();
      const slice = current % SLICES;
      increase(calls, slice);
      if (failed) increase(failures, slice);
      if (slow) increase(slowCalls, slice);
      return (failed || slow) && isOverLimit(limits, sum(calls), sum(failures), sum(slowCalls));
    },
    reset(): void {
      for (let slice = 0; slice < SLICES; slice += 1) clear(slice);
      current = sliceNow();
    },
  };
}
