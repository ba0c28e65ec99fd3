import { backOffMs, type BackOff } from '../waiting/back-off.ts';

/**
 * What speaks against a resource between its regular looks: something broke, or could not be made. A look follows at once; those that
 * follow it come ever more seldom, until a regular look comes without any doubt before it. Time comes from outside: it has no timer. One of
 * it lives with each managed resource, so that it has no functions of its own.
 */
export class Doubts {
  readonly #pauses: BackOff;
  readonly #random: () => number;
  #askedMs = Infinity;
  #notBeforeMs = -Infinity;
  /** Looks for the sake of doubts, since a regular one came without any. */
  #looks = 0;
  #isCalm = true;

  /**
   * @param pauses - the least time between two looks for the sake of doubts
   * @param random - see {@link backOffMs}
   */
  constructor(pauses: BackOff, random: () => number) {
    this.#pauses = pauses;
    this.#random = random;
  }

  /** When a look is due because of them, on the clock's monotonic scale; `Infinity`: there is none. */
  get dueMs(): number {
    return this.#askedMs === Infinity ? Infinity : Math.max(this.#askedMs, this.#notBeforeMs);
  }

  raise(nowMs: number): void {
    this.#isCalm = false;
    this.#askedMs = Math.min(this.#askedMs, nowMs);
  }

  /** A look begins, which answers those of now. @returns whether there were any */
  begin(isRegular: boolean): boolean {
    const wasAsked = this.#askedMs < Infinity;
    this.#askedMs = Infinity;
    if (!isRegular) this.#looks += 1;
    else if (this.#isCalm) this.#looks = 0;
    if (isRegular) this.#isCalm = true;
    return wasAsked || !isRegular;
  }

  /** The look has ended. @param isSettled - whether it answers those that came meanwhile as well */
  end(nowMs: number, isSettled: boolean): void {
    if (isSettled) this.#askedMs = Infinity;
    this.#notBeforeMs = nowMs + backOffMs(this.#pauses, Math.max(0, this.#looks - 1), this.#random);
  }
}
