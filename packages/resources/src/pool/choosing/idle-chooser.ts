import type { Entry } from '../entry.ts';
import type { PoolOptions } from '../pool-options.ts';
import { createAdaptiveChooser } from './adaptive.ts';
import { createWeightedChooser } from './weighted.ts';

/** Chooses which idle instance is used next. */
export interface IdleChooser<Instance> {
  /** @param idle - one or more, the one idle for longest first @returns an index */
  choose(idle: readonly Entry<Instance>[], nowMs: number): number;
  /** Hears of each piece of work that has ended. Its presence makes the pool keep times and records. */
  readonly learn?: (responseMs: number, failed: boolean) => void;
}

/** The chooser of a strategy; none for `lifo`, which takes the last of the list. */
export function createIdleChooser<Instance>(
  options: Required<Pick<PoolOptions<Instance>, 'strategy'>> & Pick<PoolOptions<Instance>, 'healthOf'>,
): IdleChooser<Instance> | undefined {
  switch (options.strategy) {
    case 'fifo':
      return { choose: () => 0 };
    case 'lru':
      return { choose: leastRecentlyLent };
    case 'weighted':
      return createWeightedChooser(options.healthOf);
    case 'adaptive':
      return createAdaptiveChooser(options.healthOf);
    case 'lifo':
      return undefined;
    default:
      return options.strategy satisfies never;
  }
}

function leastRecentlyLent<Instance>(idle: readonly Entry<Instance>[]): number {
  let chosen = 0;
  let earliest = Infinity;
  for (const [index, entry] of idle.entries()) {
    if (entry.lendingNumber >= earliest) continue;
    earliest = entry.lendingNumber;
    chosen = index;
  }
  return chosen;
}
