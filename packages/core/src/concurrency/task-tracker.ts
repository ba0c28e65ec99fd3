/** Knows how much work is under way, for closing to wait for. */
export interface TaskTracker {
  /** How much is under way. */
  readonly size: number;
  /**
   * Begins work in this very turn, and counts it until it is over, however that ends.
   *
   * @returns what the work comes to
   * @throws what the work throws
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is under way, also of what comes meanwhile. Never rejects: how work ends is the matter of who began it. */
  idle(): Promise<void>;
}

/**
 * Makes a tracker. It refuses nothing: whoever closes stops taking work first.
 *
 * @example
 * ```ts
 * const underWay = createTaskTracker();
 * const answer = await underWay.run(() => ask(question));
 * await underWay.idle(); // in close()
 * ```
 */
export function createTaskTracker(): TaskTracker {
  const count = { underWay: 0 };
  const waiting: (() => void)[] = [];
  return {
    get size() {
      return count.underWay;
    },
    async run(work) {
      count.underWay += 1;
      try {
        return await work();
      } finally {
        count.underWay -= 1;
        if (count.underWay === 0) for (const resolve of waiting.splice(0)) resolve();
      }
    },
    async idle() {
      while (count.underWay > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
