import type { Clock, Timer } from '@tenon/core';
import { egressError } from '../errors.ts';
import type { HttpConnection } from './http-connection.ts';

/** How many connections there may be, and for how long. */
export interface PoolLimits {
  readonly maxConnectionsPerOrigin: number;
  readonly maxWaitingPerOrigin: number;
  readonly maxIdleConnections: number;
  readonly keepAliveMs: number;
  readonly maxConnectionAgeMs: number;
}

/** A connection that one request holds. */
export interface HeldConnection {
  readonly connection: HttpConnection;
  /** Whether another request used it before. */
  readonly isReused: boolean;
  /** Gives it back; `false` closes it, because what is left on it is unknown. Only the first call counts. */
  release(isReusable: boolean): void;
}

/** What {@link ConnectionPool.acquire} takes. */
export interface Acquisition {
  readonly origin: string;
  /** Host, for messages. */
  readonly host: string;
  /** A connection is used again only when it leads to one of these, which have just been checked. */
  readonly addresses: readonly string[];
  /** Takes none that was used before. */
  readonly isFresh: boolean;
  readonly open: (onClosed: () => void) => Promise<HttpConnection>;
  readonly signal: AbortSignal;
}

interface Slot {
  connection: HttpConnection | undefined;
  readonly openedAtMs: number;
  idleTimer: Timer | undefined;
}

interface Origin {
  /** In use, idle or being opened: each counts against the limit. */
  readonly slots: Set<Slot>;
  /** Least lately used first. */
  readonly idle: Set<Slot>;
  readonly waiting: Set<() => void>;
}

/** Connections of one egress, and so of one policy, by origin. */
export class ConnectionPool {
  readonly #clock: Clock;
  readonly #limits: PoolLimits;
  readonly #origins = new Map<string, Origin>();
  /** All that are idle, with their origin; the one that rests longest is first. */
  readonly #resting = new Map<Slot, string>();
  #isClosed = false;

  constructor(clock: Clock, limits: PoolLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Takes an idle connection, or opens one, or waits until either can be done, first come, first served.
   *
   * @throws `EGRESS_BUSY` when too many wait already, what `open` throws, or the signal's reason
   */
  async acquire(wanted: Acquisition): Promise<HeldConnection> {
    const origin = this.#origin(wanted.origin);
    const slot =
      (origin.waiting.size === 0 ? this.#take(origin, wanted) : undefined) ?? (await this.#wait(origin, wanted));
    const reused = slot.connection;
    if (reused !== undefined) return this.#hold(wanted.origin, slot, reused, true);
    try {
      const opened = await wanted.open(() => this.#drop(wanted.origin, slot));
      slot.connection = opened;
      return this.#hold(wanted.origin, slot, opened, false);
    } catch (error) {
      this.#drop(wanted.origin, slot);
      throw error;
    }
  }

  /** How many connections are open and how many requests wait for one. */
  stats(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    const origins = [...this.#origins.values()];
    const sum = (count: (origin: Origin) => number): number =>
      origins.reduce((total, origin) => total + count(origin), 0);
    return {
      open: sum((origin) => [...origin.slots].filter((slot) => slot.connection !== undefined).length),
      idle: this.#resting.size,
      waiting: sum((origin) => origin.waiting.size),
    };
  }

  /** Closes what nobody uses, and from now on what is given back. */
  close(): void {
    this.#isClosed = true;
    for (const [slot, name] of this.#resting) this.#close(name, slot);
  }

  #origin(name: string): Origin {
    const known = this.#origins.get(name);
    if (known !== undefined) return known;
    const made: Origin = { slots: new Set(), idle: new Set(), waiting: new Set() };
    this.#origins.set(name, made);
    return made;
  }

  #take(origin: Origin, wanted: Acquisition): Slot | undefined {
    for (const slot of [...origin.idle].toReversed()) {
      const isGood = this.#isYoung(slot) && slot.connection?.isOpen === true;
      const isChecked = slot.connection !== undefined && wanted.addresses.includes(slot.connection.remoteAddress);
      if (!isGood || !isChecked) this.#close(wanted.origin, slot);
      else if (!wanted.isFresh) {
        this.#rouse(origin, slot);
        return slot;
      }
    }
    const [oldest] = origin.idle;
    if (origin.slots.size >= this.#limits.maxConnectionsPerOrigin && oldest !== undefined) {
      this.#close(wanted.origin, oldest);
    }
    if (origin.slots.size >= this.#limits.maxConnectionsPerOrigin) return undefined;
    const slot: Slot = { connection: undefined, openedAtMs: this.#clock.monotonicMs(), idleTimer: undefined };
    // Closing the last idle one may have removed the origin from the map.
    this.#origins.set(wanted.origin, origin);
    origin.slots.add(slot);
    return slot;
  }

  #wait(origin: Origin, wanted: Acquisition): Promise<Slot> {
    const { host, signal } = wanted;
    if (origin.waiting.size >= this.#limits.maxWaitingPerOrigin) {
      throw egressError('EGRESS_BUSY', `too many requests to "${host}" wait for a connection; try again later`, {
        retryable: true,
        details: { host, waiting: origin.waiting.size },
      });
    }
    return new Promise((resolve, reject) => {
      let isTaking = false;
      const attempt = (): void => {
        // Taking closes what is too old, and what closes wakes the first that waits: this one.
        if (isTaking) return;
        isTaking = true;
        const slot = this.#take(origin, wanted);
        isTaking = false;
        if (slot === undefined) return;
        leave();
        resolve(slot);
        this.#wake(origin);
      };
      const stop = (): void => {
        leave();
        this.#forget(wanted.origin, origin);
        reject(signal.reason as Error);
      };
      const leave = (): void => {
        origin.waiting.delete(attempt);
        signal.removeEventListener('abort', stop);
      };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      origin.waiting.add(attempt);
    });
  }

  #hold(name: string, slot: Slot, connection: HttpConnection, isReused: boolean): HeldConnection {
    let isHeld = true;
    return {
      connection,
      isReused,
      release: (isReusable) => {
        if (!isHeld) return;
        isHeld = false;
        const mayRest = !this.#isClosed && this.#limits.keepAliveMs > 0 && this.#isYoung(slot);
        if (isReusable && mayRest && connection.isOpen) this.#rest(name, slot);
        else this.#close(name, slot);
      },
    };
  }

  #rest(name: string, slot: Slot): void {
    const origin = this.#origins.get(name);
    if (origin?.slots.has(slot) !== true) return;
    origin.idle.add(slot);
    this.#resting.set(slot, name);
    slot.idleTimer = this.#clock.schedule(() => this.#close(name, slot), this.#limits.keepAliveMs);
    this.#wake(origin);
    const [longest] = this.#resting;
    if (this.#resting.size > this.#limits.maxIdleConnections && longest !== undefined) {
      this.#close(longest[1], longest[0]);
    }
  }

  #rouse(origin: Origin, slot: Slot): void {
    slot.idleTimer?.cancel();
    this.#resting.delete(slot);
    origin.idle.delete(slot);
  }

  #isYoung(slot: Slot): boolean {
    return this.#clock.monotonicMs() - slot.openedAtMs < this.#limits.maxConnectionAgeMs;
  }

  #close(name: string, slot: Slot): void {
    const { connection } = slot;
    this.#drop(name, slot);
    connection?.destroy();
  }

  #drop(name: string, slot: Slot): void {
    const origin = this.#origins.get(name);
    if (origin === undefined) return;
    this.#rouse(origin, slot);
    if (origin.slots.delete(slot)) this.#wake(origin);
    this.#forget(name, origin);
  }

  #wake(origin: Origin): void {
    const [first] = origin.waiting;
    first?.();
  }

  #forget(name: string, { slots, waiting }: Origin): void {
    if (slots.size === 0 && waiting.size === 0) this.#origins.delete(name);
  }
}
