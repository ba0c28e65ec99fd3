/** Somebody who waits for a lease. A node of the list that the queue is. */
export interface Waiter<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly timeoutMs: number;
  /** Since when, on the clock's monotonic scale; `undefined` in the turn of the event loop in which the wait began. */
  sinceMs: number | undefined;
  /** Where it asked: only with the watch for leaks. */
  readonly borrower: Error | undefined;
  /** Takes back what listens on its behalf. */
  stopListening: (() => void) | undefined;
  previous: Waiter<Result> | undefined;
  next: Waiter<Result> | undefined;
  isQueued: boolean;
}

/** Those who wait, oldest first. Every operation but the walk takes constant time, leaving from the middle included. */
export class WaiterQueue<Result> {
  /** Read it, never write it. */
  size = 0;
  #oldest: Waiter<Result> | undefined;
  #newest: Waiter<Result> | undefined;

  /** Who came last; `previous` leads on to the others. */
  get newest(): Waiter<Result> | undefined {
    return this.#newest;
  }

  add(waiter: Waiter<Result>): void {
    waiter.previous = this.#newest;
    if (this.#newest === undefined) this.#oldest = waiter;
    else this.#newest.next = waiter;
    this.#newest = waiter;
    waiter.isQueued = true;
    this.size += 1;
  }

  /** Takes out the one who came first, or last. */
  take(which: 'oldest' | 'newest'): Waiter<Result> | undefined {
    const waiter = which === 'oldest' ? this.#oldest : this.#newest;
    if (waiter !== undefined) this.remove(waiter);
    return waiter;
  }

  /** Does nothing when it is out already. */
  remove(waiter: Waiter<Result>): void {
    if (!waiter.isQueued) return;
    waiter.isQueued = false;
    this.size -= 1;
    const { previous, next } = waiter;
    if (previous === undefined) this.#oldest = next;
    else previous.next = next;
    if (next === undefined) this.#newest = previous;
    else next.previous = previous;
    waiter.previous = undefined;
    waiter.next = undefined;
  }

  /** Oldest first. The one that was given may be removed before the next is asked for. */
  *[Symbol.iterator](): Generator<Waiter<Result>, void> {
    let waiter = this.#oldest;
    while (waiter !== undefined) {
      const { next } = waiter;
      yield waiter;
      waiter = next;
    }
  }
}
