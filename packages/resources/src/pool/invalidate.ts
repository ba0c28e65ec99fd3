import { destroyIdle } from './destroy-entry.ts';
import type { PoolCore } from './pool-core.ts';
import { checkSize } from './resolve-pool-options.ts';

/** Retires everything there is. What is being made carries the number of its generation, and is looked at when it is made. */
export function invalidate<Instance>(core: PoolCore<Instance>, why: string | undefined): void {
  core.generation += 1;
  for (const entry of core.entries) entry.retired ??= 'invalidated';
  // What has failed may well succeed with what has changed.
  core.createFailuresInRow = 0;
  core.backoffs = 0;
  core.retryAtMs = 0;
  core.lastCreateError = undefined;
  core.retryTimer?.cancel();
  core.retryTimer = undefined;
  core.report({ type: 'invalidated', generation: core.generation, why });
  destroyIdle(core, (entry) => entry.retired);
  core.replenish();
}

/**
 * Changes the bounds of a pool that is in use.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID`
 */
export function resize<Instance>(
  core: PoolCore<Instance>,
  size: { readonly min?: number; readonly max?: number },
): void {
  const { min = core.min, max = core.max } = size;
  checkSize(core.config.name, { min, max });
  core.min = min;
  core.max = max;
  let surplus = core.usable + core.creating - max;
  core.report({ type: 'resized', min, max });
  destroyIdle(core, () => {
    surplus -= 1;
    return surplus >= 0 ? 'surplus' : undefined;
  });
  core.refreshFastPath();
  core.replenish();
}
