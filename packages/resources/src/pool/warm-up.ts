import { resourceError } from '../errors.ts';
import { poolClosed, poolRevoked } from './lease.ts';
import type { WarmUpOptions } from './pool.ts';
import type { PoolCore, WarmUp } from './pool-core.ts';
import { suspendedForMs, unavailable } from './supply.ts';

/** Makes instances until there are enough, as many at a time as the pool allows. */
export async function warmUp<Instance>(core: PoolCore<Instance>, options: WarmUpOptions): Promise<void> {
  const { name } = core.config;
  const { count = core.min, signal } = options;
  if (!Number.isInteger(count) || count < 0 || count > core.max) {
    throw resourceError(
      'RESOURCE_CONFIGURATION_INVALID',
      `pool "${name}" can be warmed up to 0 to ${core.max} instances`,
      {
        details: { pool: name, option: 'count' },
      },
    );
  }
  const cancelled = (): Error =>
    resourceError('RESOURCE_CANCELLED', `the wait for the warm-up of pool "${name}" was ended by its caller`, {
      cause: signal?.reason,
      details: { pool: name },
    });
  if (signal?.aborted === true) throw cancelled();
  if (core.isRevoked) throw poolRevoked(name);
  if (core.state !== 'open') throw poolClosed(name);
  core.isStarted = true;
  if (core.usable >= count) {
    core.replenish();
    return;
  }
  if (suspendedForMs(core) > 0) throw unavailable(core);
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => goal.settle(cancelled());
    const goal: WarmUp = {
      target: count,
      settle(failure) {
        core.warmUps.delete(goal);
        signal?.removeEventListener('abort', stop);
        if (failure === undefined) resolve();
        else reject(failure);
      },
    };
    core.warmUps.add(goal);
    signal?.addEventListener('abort', stop, { once: true });
    core.replenish();
  });
}
