import { isUsable, type HealthStatus } from '../health/health-status.ts';
import type { Lease } from '../pool/pool.ts';
import { inScope } from '../scope/in-scope.ts';
import type { Instance } from './instance.ts';
import type { ManagedResource } from './managed-resource.ts';

/**
 * Looks at an instance that is free.
 *
 * @param options - `inDoubt`: at a new one when none is free and there is room, so that what has failed is looked at again though nobody
 *   asks for it
 * @param seen - hears what was seen of the instance, in time
 * @returns `undefined` when there is none to look at. Those at work show by that how they are; a look must not take their place
 */
export async function lookAt(
  managed: ManagedResource,
  { inDoubt, signal }: { readonly inDoubt: boolean; readonly signal: AbortSignal },
  seen: (instance: Instance, health: HealthStatus) => void,
): Promise<HealthStatus | undefined> {
  const lease = await freeInstance(managed, inDoubt, signal);
  if (lease === undefined) return undefined;
  const instance = lease.value;
  // A check that hangs must not keep the place of its instance; and what hangs is not to be used.
  const giveUp = (): void => {
    lease.taint();
    lease.release();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const { definition } = managed.registration.token;
    const health = await inScope(managed.scope, () => definition.check(instance.value, { signal }));
    signal.throwIfAborted();
    seen(instance, health);
    if (!isUsable(health)) lease.taint();
    return health;
  } catch (error) {
    lease.taint();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    lease.release();
  }
}

async function freeInstance(
  { supply, pool }: ManagedResource,
  inDoubt: boolean,
  signal: AbortSignal,
): Promise<Lease<Instance> | undefined> {
  const lease = supply.tryAcquire();
  if (lease !== undefined || !inDoubt) return lease;
  const { size, creating, destroying, max } = pool.statistics();
  // It would stand in the queue of those who wait for a return.
  return size + creating + destroying >= max ? undefined : supply.acquire({ signal });
}
