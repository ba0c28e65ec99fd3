import { resourceError } from '../errors.ts';
import type { Lease } from '../pool/pool.ts';
import type { ErasedDefinition, ExposeContext } from '../definition/resource-definition.ts';
import type { Instance } from './instance.ts';
import type { Borrowed, BorrowedLease } from './resource-services.ts';

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
  let failed = false;
  const held: BorrowedLease = {
    get signal() {
      return lease.signal;
    },
    get released() {
      return lease.released;
    },
    scope,
    release(outcome) {
      if (lease.released) return;
      failed ||= outcome?.failed === true;
      onReleased(failed);
      lease.release({ failed });
    },
    taint: () => lease.taint(),
  };
  const context: ExposeContext = {
    get signal() {
      return lease.signal;
    },
    failed(options) {
      failed = true;
      if (options?.taint === true) lease.taint();
    },
    assertHeld() {
      // Reading it throws once it was given back, or revoked.
      if (!lease.value.isEnded) return;
      throw resourceError(
        'LEASE_RELEASED',
        `this instance of resource "${definition.name}" was taken away and is ended`,
        {
          details: { resource: definition.name },
        },
      );
    },
  };
  return Object.assign(definition.expose(lease.value.value, context), {
    lease: held,
    async [Symbol.asyncDispose]() {
      if (lease.released) return;
      onReleased(failed);
      if (failed) lease.release({ failed });
      else await lease[Symbol.asyncDispose]();
    },
    [Symbol.dispose]: () => held.release(),
  });
}
