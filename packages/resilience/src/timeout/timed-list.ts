import type { Clock, Timer } from '@tenon/core';

/** One that waits in a {@link TimedList}. */
export interface TimedEntry<Item> {
  readonly item: Item;
  readonly dueMs: number;
  next: TimedEntry<Item> | undefined;
  previous: TimedEntry<Item> | undefined;
  listed: boolean;
}

/**
 * Many waits of the same length on one timer. As all last equally long, they fall due in the order in which they began: adding and
 * removing is a matter of two links, and the timer is that of the oldest.
 *
 * The timer is armed by the first wait and, when nothing waits any more, left to run out instead of being taken back: calls that
 * follow each other quickly then share it, and most need none at all.
 */
export class TimedList<Item> {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #expire: (item: Item) => void;
  #oldest: TimedEntry<Item> | undefined = undefined;
  #newest: TimedEntry<Item> | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #size = 0;

  /**
   * @param waitMs - how long each one waits; `Infinity` is for ever
   * @param expire - takes those that have waited so long; they are out of the list then
   */
  constructor(clock: Clock, waitMs: number, expire: (item: Item) => void) {
    this.#clock = clock;
    this.#waitMs = waitMs;
    this.#expire = expire;
  }

  get size(): number {
    return this.#size;
  }

  /** When a wait that begins now falls due. */
  due(): number {
    return this.#clock.monotonicMs() + this.#waitMs;
  }

  /** Begins a wait; `dueMs` is what {@link TimedList.due} has just told. */
  add(item: Item, dueMs: number = this.due()): TimedEntry<Item> {
    const entry: TimedEntry<Item> = { item, dueMs, next: undefined, previous: this.#newest, listed: true };
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.next = entry;
    this.#newest = entry;
    this.#size += 1;
    if (this.#timer === undefined) this.#arm(this.#waitMs);
    return entry;
  }

  /** Ends a wait before its time. */
  remove(entry: TimedEntry<Item>): void {
    if (!entry.listed) return;
    entry.listed = false;
    this.#size -= 1;
    if (entry.previous === undefined) this.#oldest = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#newest = entry.previous;
    else entry.next.previous = entry.previous;
  }

  /** Takes the one that has waited longest. */
  shift(): Item | undefined {
    const entry = this.#oldest;
    if (entry === undefined) return undefined;
    this.remove(entry);
    return entry.item;
  }

  #arm(delayMs: number): void {
    if (delayMs === Infinity) return;
    this.#timer = this.#clock.schedule(() => this.#check(), delayMs);
  }

  #check(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    while (this.#oldest !== undefined && this.#oldest.dueMs <= nowMs) {
      const { item } = this.#oldest;
      this.remove(this.#oldest);
      this.#expire(item);
    }
    // What expired may have begun a new wait, which armed the timer itself.
    if (this.#oldest !== undefined && this.#timer === undefined) this.#arm(this.#oldest.dueMs - nowMs);
  }
}
