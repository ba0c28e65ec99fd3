/** Runs the work of each name one after the other, in the order in which it came; that of different names side by side. */
export interface SerialQueue {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

/** Makes a queue. It keeps nothing of names without work. */
export function createSerialQueue(): SerialQueue {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(name, work) {
      const before = last.get(name);
      const running = before === undefined ? work() : before.then(work);
      const settled = running.then(
        () => undefined,
        () => undefined,
      );
      last.set(name, settled);
      try {
        return await running;
      } finally {
        if (last.get(name) === settled) last.delete(name);
      }
    },
    async idle() {
      while (last.size > 0) await Promise.all(last.values());
    },
  };
}
