import type { CallWindow } from './call-window.ts';

/** Bad calls in a row; a slow call is a bad one. */
export function consecutiveWindow(failures: number): CallWindow {
  let inARow = 0;
  return {
    record(failed, slow): boolean {
      const bad = failed || slow;
      inARow = bad ? inARow + 1 : 0;
      return bad && inARow >= failures;
    },
    reset(): void {
      inARow = 0;
    },
  };
}
