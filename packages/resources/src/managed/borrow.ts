import type { Lease } from '../pool/pool.ts';
import type { ErasedDefinition, ExposeContext } from '../definition/resource-definition.ts';
import type { Instance } from './instance.ts';
import type { Borrowed, BorrowedLease } from './resource-services.ts';

/**
 * Gives a borrower its face on an instance.
 *
 * @param onReleased - called once
 */
export function borrow(
  definition: ErasedDefinition,
  lease: Lease<Instance>,
  scope: string,
  onReleased: (failed: boolean) => void,
): Borrowed {
  let failed = false;
  let released = false;
  const end = (): void => {
    if (released) return;
    released = true;
    onReleased(failed);
  };
  const held: BorrowedLease = {
    get signal() {
      return lease.signal;
    },
    get released() {
      return lease.released;
    },
    scope,
    release(outcome) {
      failed ||= outcome?.failed === true;
      lease.release({ failed });
      end();
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
    // Reading it throws once it is somebody else's.
    assertHeld: () => void lease.value,
  };
  const face = definition.expose(lease.value.value, context);
  return Object.assign(face, {
    lease: held,
    async [Symbol.asyncDispose]() {
      if (failed) lease.release({ failed });
      await lease[Symbol.asyncDispose]();
      end();
    },
    [Symbol.dispose]: () => held.release(),
  });
}
