import type { Clock } from '@tenon/core';
import type { ErasedDefinition } from '../definition/resource-definition.ts';
import type { Lease } from '../pool/pool.ts';
import { borrow } from './borrow.ts';
import type { Instance } from './instance.ts';
import type { Borrowed } from './resource-services.ts';

/** What {@link Loans} works with. */
export interface LoansOptions {
  readonly definition: ErasedDefinition;
  readonly scopeText: string;
  readonly clock: Clock;
  /** Somebody has an instance. */
  readonly onLent: () => void;
  /** Somebody has given one back, or it was ended under them. */
  readonly onReturned: (heldMs: number, failed: boolean) => void;
}

const NOTHING = (): void => undefined;

/** Who has an instance of a managed resource, and when it was last of use to anybody. Looks at its health are no loans. */
export class Loans {
  readonly #options: LoansOptions;
  #count = 0;
  #lastUsedMs: number;

  constructor(options: LoansOptions) {
    this.#options = options;
    this.#lastUsedMs = options.clock.monotonicMs();
  }

  get count(): number {
    return this.#count;
  }

  /** On the clock's monotonic scale. It never goes back. */
  get lastUsedMs(): number {
    if (this.#count > 0) this.touch();
    return this.#lastUsedMs;
  }

  /** Somebody uses it, or wants to. @returns the moment */
  touch(): number {
    const nowMs = this.#options.clock.monotonicMs();
    this.#lastUsedMs = Math.max(this.#lastUsedMs, nowMs);
    return nowMs;
  }

  /**
   * Gives a borrower its face on an instance.
   *
   * @param giveBack - its place in the quota, when the loan ends
   * @throws what `expose` throws; the instance is then ended
   */
  lend(lease: Lease<Instance>, giveBack: () => void): Borrowed {
    const { definition, scopeText } = this.#options;
    let end: (failed: boolean) => void = NOTHING;
    try {
      const borrowed = borrow(definition, lease, scopeText, (failed) => end(failed));
      end = this.#begin(lease.value, giveBack);
      return borrowed;
    } catch (error) {
      lease.taint();
      lease.release({ failed: true });
      throw error;
    }
  }

  // On its own, as nothing here may lead to the lease: one that is lost could then never be noticed.
  #begin(instance: Instance, giveBack: () => void): (failed: boolean) => void {
    const lentMs = this.touch();
    const end = (failed: boolean): void => {
      if (!instance.loans.delete(end)) return;
      this.#count -= 1;
      giveBack();
      this.#options.onReturned(this.touch() - lentMs, failed);
    };
    instance.loans.add(end);
    this.#count += 1;
    this.#options.onLent();
    return end;
  }
}
