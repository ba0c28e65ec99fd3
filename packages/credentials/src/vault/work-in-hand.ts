/** What a vault is doing now, for closing to wait for. */
export interface WorkInHand {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is under way. */
  done(): Promise<void>;
}

/** Nothing is under way at first. */
export function createWorkInHand(): WorkInHand {
  const underWay = new Set<Promise<unknown>>();
  return {
    async run(work) {
      const running = work();
      underWay.add(running);
      try {
        return await running;
      } finally {
        underWay.delete(running);
      }
    },
    async done() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}
