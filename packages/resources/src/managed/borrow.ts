import { resourceError } from '../errors.ts';
import type { Lease, LeaseOutcome } from '../pool/pool.ts';
import type { ErasedDefinition, ExposeContext } from '../definition/resource-definition.ts';
import type { Instance } from './instance.ts';
import type { Borrowed, BorrowedLease } from './resource-services.ts';

const SETTLED = Promise.resolve();

/**
 * Gives a borrower its face on an instance.
 *
 * @param onReleased - called when it is given back, before others can have it. It must not lead to the lease
 */
export function borrow(
  definition: ErasedDefinition,
  lease: Lease<Instance>,
  scope: string,
  onReleased: (failed: boolean) => void,
): Borrowed {
  const instance = lease.value.value;
  const loan = new Loan(lease, scope, onReleased);
  const exposed = definition.expose?.(instance, contextOf(definition.name, lease, loan)) ?? { value: instance };
  const borrowed = exposed as { -readonly [Key in keyof Borrowed]: Borrowed[Key] };
  // One by one: to merge them in as one object takes several times as long.
  borrowed.lease = loan;
  borrowed[Symbol.asyncDispose] = giveBackInTime;
  borrowed[Symbol.dispose] = giveBack;
  return borrowed;
}

// The same functions for every borrower, which find the lease beside them.
function giveBackInTime(this: Borrowed): Promise<void> {
  return (this.lease as Loan).settle();
}

function giveBack(this: Borrowed): void {
  this.lease.release();
}

/** The lease of one borrower. */
class Loan implements BorrowedLease {
  readonly scope: string;
  readonly #lease: Lease<Instance>;
  readonly #onReleased: (failed: boolean) => void;
  #hasFailed = false;

  constructor(lease: Lease<Instance>, scope: string, onReleased: (failed: boolean) => void) {
    this.#lease = lease;
    this.scope = scope;
    this.#onReleased = onReleased;
  }

  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  get released(): boolean {
    return this.#lease.released;
  }

  release(outcome?: LeaseOutcome): void {
    if (this.#end(outcome?.failed)) this.#lease.release({ failed: this.#hasFailed });
  }

  taint(): void {
    this.#lease.taint();
  }

  /** Notes that work has failed because of the instance. */
  fail(): void {
    this.#hasFailed = true;
  }

  /** Gives it back, and resolves when the instance is ready for the next one. */
  settle(): Promise<void> {
    if (!this.#end()) return SETTLED;
    if (!this.#hasFailed) return this.#lease[Symbol.asyncDispose]();
    this.#lease.release({ failed: true });
    return SETTLED;
  }

  #end(failed = false): boolean {
    if (this.#lease.released) return false;
    this.#hasFailed ||= failed;
    this.#onReleased(this.#hasFailed);
    return true;
  }
}

function contextOf(name: string, lease: Lease<Instance>, loan: Loan): ExposeContext {
  return {
    get signal() {
      return lease.signal;
    },
    failed(options) {
      loan.fail();
      if (options?.taint === true) lease.taint();
    },
    assertHeld() {
      // Reading it throws once it was given back, or revoked.
      if (!lease.value.isEnded) return;
      throw resourceError('LEASE_RELEASED', `this instance of resource "${name}" was taken away and is ended`, {
        details: { resource: name },
      });
    },
  };
}
