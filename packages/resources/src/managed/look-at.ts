import { isCodedError } from '@tenon/core';
import { describeFailure } from '../events/describe-failure.ts';
import { isUsable, type HealthStatus } from '../health/health-status.ts';
import type { LookOptions } from '../health/health-watch.ts';
import type { Sight } from '../health/look-history.ts';
import type { Lease } from '../pool/pool.ts';
import { inScope } from '../scope/in-scope.ts';
import { beforeAbort } from '../waiting/before-abort.ts';
import type { Instance } from './instance.ts';
import type { ManagedResource } from './managed-resource.ts';
import { tryInstance } from './try-instance.ts';

/** How much is lost where no new instance can be made, and those there are work on. */
const IMPACT_OF_NOT_MADE = 0.5;

/**
 * Looks at an instance that is free; in doubt at a new one. An instance that is beyond use is reason enough for doubt.
 *
 * @param seen - hears what was seen of the instance, in time
 * @returns `undefined` when there is none to look at. Those at work show by that how they are; a look must not take their place
 */
export async function lookAt(
  managed: ManagedResource,
  { inDoubt, isNotMade, signal }: LookOptions,
  seen: (instance: Instance, health: HealthStatus) => void,
): Promise<Sight | undefined> {
  const { looksInDoubt = true } = managed.registration.health;
  const isDoubtful = inDoubt || (looksInDoubt && hasBroken(managed));
  const ready = managed.supply.tryAcquire();
  if (ready !== undefined) return see(managed, ready, signal, seen);
  const { size, creating, destroying, max } = managed.pool.statistics();
  // It would stand in the queue of those who wait for a return.
  if (!isDoubtful || size + creating + destroying >= max) return undefined;
  if (isNotMade) return lookApart(managed, signal);
  let made: Lease<Instance>;
  try {
    made = await managed.supply.acquire({ signal });
  } catch (thrown) {
    // Else it has only waited, among others, for an instance to come back.
    const hasFailed = isCodedError(thrown, 'RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_UNAVAILABLE');
    return hasFailed || !works(managed) ? notMade(managed, (hasFailed && thrown.cause) || thrown) : undefined;
  }
  return see(managed, made, signal, seen);
}

/** Looks at an instance that is made for it. If the pool made it, another failure would make that hold back for longer, from borrowers as well. */
async function lookApart(managed: ManagedResource, signal: AbortSignal): Promise<Sight | undefined> {
  let wasMade = false;
  let health: HealthStatus;
  try {
    health = await tryInstance(managed, signal, { onMade: () => void (wasMade = true) });
  } catch (thrown) {
    if (wasMade) throw thrown;
    return notMade(managed, thrown);
  }
  // One lies ready again, as before it failed. That the pool still holds back says nothing.
  if (isUsable(health)) await managed.supply.acquire({ signal }).then(giveBack, () => undefined);
  return { health, notMade: false };
}

const giveBack = (lease: Lease<Instance>): void => lease.release();

/** Whether an instance of it is beyond use, at a glance. */
export function hasBroken({ maker }: ManagedResource): boolean {
  return maker.living().some((instance) => !instance.isEnded && isBroken(maker, instance));
}

async function see(
  { registration, scope }: ManagedResource,
  lease: Lease<Instance>,
  signal: AbortSignal,
  seen: (instance: Instance, health: HealthStatus) => void,
): Promise<Sight> {
  const instance = lease.value;
  // A check that hangs must not keep the place of its instance; and what hangs is not to be used.
  const giveUp = (): void => {
    lease.taint();
    lease.release();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const { definition } = registration.token;
    const checked = inScope(scope, () => definition.check(instance.value, { signal }));
    const health = await beforeAbort(checked, signal);
    seen(instance, health);
    if (!isUsable(health)) lease.taint();
    return { health, notMade: false };
  } catch (error) {
    lease.taint();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    lease.release();
  }
}

/** What it means that none could be made. */
function notMade(managed: ManagedResource, thrown: unknown): Sight {
  const why = describeFailure(thrown);
  if (works(managed)) {
    const reason = `no more instances can be made: ${why}`;
    return { health: { status: 'degraded', reason, impact: IMPACT_OF_NOT_MADE }, notMade: true };
  }
  return {
    health: { status: 'unhealthy', reason: `no instance can be made: ${why}`, recoverable: true },
    notMade: true,
  };
}

/** Whether one of those there are is not beyond use. */
function works({ maker }: ManagedResource): boolean {
  return maker.living().some((instance) => !instance.isEnded && !isBroken(maker, instance));
}

function isBroken(maker: ManagedResource['maker'], instance: Instance): boolean {
  try {
    return maker.isBroken(instance);
  } catch {
    return true;
  }
}
