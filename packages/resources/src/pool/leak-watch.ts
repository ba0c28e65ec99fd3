import type { Timer } from '@tenon/core';
import { takeAway } from './shut-down.ts';
import type { Entry } from './entry.ts';
import type { PoolLease } from './lease.ts';
import type { PoolCore } from './pool-core.ts';

/** One lease, told by the count of uses. It must not lead to the lease itself, which would then never be collected. */
interface Lending<Instance> {
  readonly entry: Entry<Instance>;
  readonly uses: number;
}

/** Reports leases that are out for too long, and those that were lost: collected as garbage without having been given back. */
export class LeakWatch<Instance> {
  readonly #core: PoolCore<Instance>;
  readonly #maxHoldMs: number;
  readonly #leases: FinalizationRegistry<Lending<Instance>>;
  #timer: Timer | undefined;

  constructor(core: PoolCore<Instance>, maxHoldMs: number) {
    this.#core = core;
    this.#maxHoldMs = maxHoldMs;
    this.#leases = new FinalizationRegistry((lending) => this.#collected(lending));
  }

  /** Where the call is that is going on. */
  borrower(): Error {
    return new Error(`borrowed from pool "${this.#core.config.name}"`);
  }

  /** Notes who borrows. */
  lent(entry: Entry<Instance>, lease: PoolLease<Instance>, borrower: Error = this.borrower()): void {
    entry.borrower = borrower;
    entry.overdueReported = false;
    this.#leases.register(lease, { entry, uses: entry.uses });
    if (this.#timer === undefined) this.#arm(this.#maxHoldMs);
  }

  /** Ends the watch over time. Idempotent. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    if (delayMs === Infinity) return;
    this.#timer = this.#core.clock.schedule(() => {
      this.#timer = undefined;
      this.#look();
    }, delayMs);
  }

  #look(): void {
    const nowMs = this.#core.clock.monotonicMs();
    let nextMs = Infinity;
    for (const entry of this.#core.entries) {
      if (entry.state !== 'borrowed' || entry.overdueReported) continue;
      const heldMs = nowMs - entry.borrowedAtMs;
      if (heldMs < this.#maxHoldMs) {
        nextMs = Math.min(nextMs, this.#maxHoldMs - heldMs);
        continue;
      }
      entry.overdueReported = true;
      this.#core.report({ type: 'held-too-long', heldMs, borrowedAt: entry.borrower?.stack ?? '' });
    }
    // A hook of the report may have borrowed, and set it already.
    if (this.#timer === undefined) this.#arm(nextMs);
  }

  #collected({ entry, uses }: Lending<Instance>): void {
    if (entry.state !== 'borrowed' || entry.uses !== uses) return;
    const core = this.#core;
    core.figures.lost += 1;
    core.report({ type: 'lease-lost', borrowedAt: entry.borrower?.stack ?? '' });
    takeAway(core, entry, 'lost');
    core.notify();
  }
}
