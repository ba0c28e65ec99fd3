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
 * follow it come ever more seldom, until a regular look comes without any doubt before it. Time comes from outside: it has no timer. One of
 * it lives with each managed resource, so that it has no functions of its own.
 */
export class Doubts {
  readonly #settings: DoubtSettings;
  readonly #random: () => number;
  #askedMs = Infinity;
  #notBeforeMs = -Infinity;
  /** Looks for the sake of doubts, since a regular one came without any. */
  #looks = 0;
  #isCalm = true;

  /** @param random - half of each wait is random, as that of a recovery gate is */
  constructor(settings: DoubtSettings, random: () => number) {
    this.#settings = settings;
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
    const { initialDelayMs, factor, maxDelayMs } = this.#settings;
    if (isSettled) this.#askedMs = Infinity;
    const delayMs = Math.min(maxDelayMs, initialDelayMs * factor ** Math.max(0, this.#looks - 1));
    this.#notBeforeMs = nowMs + delayMs / 2 + (this.#random() * delayMs) / 2;
  }
}
