/** What decides when a look follows a doubt. */
export interface DoubtSettings {
  /** The least time between two looks for the sake of doubts, in milliseconds. */
  readonly initialDelayMs: number;
  /** By what each further one multiplies it. */
  readonly factor: number;
  /** The longest such time, in milliseconds. */
  readonly maxDelayMs: number;
}

/**
 * What speaks against a resource between its regular looks: something broke, or could not be made. A look follows at once; those that
 * follow it come ever more seldom, until a regular look comes without any doubt before it. Time comes from outside: it has no timer.
 */
export interface Doubts {
  /** When a look is due because of them, on the clock's monotonic scale; `Infinity`: there is none. */
  readonly dueMs: number;
  raise(nowMs: number): void;
  /** A look begins, which answers those of now. @returns whether there were any */
  begin(isRegular: boolean): boolean;
  /** The look has ended. @param isSettled - whether it answers those that came meanwhile as well */
  end(nowMs: number, isSettled: boolean): void;
}

/** Makes it, without any. @param random - half of each wait is random, as that of a recovery gate is */
export function createDoubts({ initialDelayMs, factor, maxDelayMs }: DoubtSettings, random: () => number): Doubts {
  let askedMs = Infinity;
  let notBeforeMs = -Infinity;
  /** Looks for the sake of doubts, since a regular one came without any. */
  let looks = 0;
  let isCalm = true;

  return {
    get dueMs() {
      return askedMs === Infinity ? Infinity : Math.max(askedMs, notBeforeMs);
    },
    raise(nowMs) {
      isCalm = false;
      askedMs = Math.min(askedMs, nowMs);
    },
    begin(isRegular) {
      const wasAsked = askedMs < Infinity;
      askedMs = Infinity;
      if (!isRegular) looks += 1;
      else if (isCalm) looks = 0;
      if (isRegular) isCalm = true;
      return wasAsked || !isRegular;
    },
    end(nowMs, isSettled) {
      if (isSettled) askedMs = Infinity;
      const delayMs = Math.min(maxDelayMs, initialDelayMs * factor ** Math.max(0, looks - 1));
      notBeforeMs = nowMs + delayMs / 2 + (random() * delayMs) / 2;
    },
  };
}
