/** Work that several wait for. */
export interface Flight {
  /** Whether it was forgotten since it began: what it has found may be what was there before, and is not to be kept. */
  readonly isForgotten: boolean;
}

/** Lets those who want the same at the same time share one piece of work. */
export interface SingleFlight<Key, Value> {
  /**
   * What the work under way for a key comes to, or that of `work`, which begins in this very turn when there is none. A failure is one
   * for all who wait, and is not kept. Who gives up stops waiting, and the work goes on for the others. It runs in the context of who
   * came first, signal and deadline included, unless `work` says otherwise. Work that waits for its own key waits for ever.
   */
  run(key: Key, work: (flight: Flight) => Promise<Value>): Promise<Value>;
  /** Whoever comes from now on begins anew. Those who wait already get what they wait for. */
  forget(key: Key): void;
  /** {@link SingleFlight.forget} for every key. */
  forgetAll(): void;
}

/**
 * Makes a single flight, after Go's `golang.org/x/sync/singleflight`. It is no cache: of a key without work under way it keeps nothing.
 *
 * @typeParam Key - compared as the keys of a `Map` are
 * @example
 * ```ts
 * const loads = createSingleFlight<string, Account>();
 * const account = await loads.run(id, async (flight) => {
 *   const found = await load(id);
 *   if (!flight.isForgotten) cache.set(id, found);
 *   return found;
 * });
 * loads.forget(id); // after a change: a load that began before it is not shared any more
 * ```
 */
export function createSingleFlight<Key, Value>(): SingleFlight<Key, Value> {
  const flights = new Map<Key, { readonly outcome: Promise<Value>; isForgotten: boolean }>();
  return {
    run(key, work) {
      const known = flights.get(key);
      if (known !== undefined) return known.outcome;
      // Known before it begins, so that work can forget its key from its first line on.
      const { promise, resolve } = Promise.withResolvers<Value>();
      const flight = { outcome: promise, isForgotten: false };
      flights.set(key, flight);
      const fly = async (): Promise<Value> => {
        try {
          return await work(flight);
        } finally {
          if (!flight.isForgotten) flights.delete(key);
        }
      };
      resolve(fly());
      return promise;
    },
    forget(key) {
      const flight = flights.get(key);
      if (flight !== undefined) flight.isForgotten = true;
      flights.delete(key);
    },
    forgetAll() {
      for (const flight of flights.values()) flight.isForgotten = true;
      flights.clear();
    },
  };
}
