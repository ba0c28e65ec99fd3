import type { Entry } from '../entry.ts';
import type { IdleChooser } from './idle-chooser.ts';
import { weightOf } from './weight.ts';

/**
 * Turns in proportion to weight, spread evenly: smooth weighted round robin as nginx does it (commit 52327e0, 2012). Each turn adds to
 * everybody's credit their weight; the richest has the turn and pays the sum of all weights.
 */
export function createWeightedChooser<Instance>(
  healthOf: ((instance: Instance) => number | undefined) | undefined,
): IdleChooser<Instance> {
  return {
    choose(idle: readonly Entry<Instance>[]): number {
      let total = 0;
      let chosen = 0;
      let most = -Infinity;
      for (const [index, { instance, record }] of idle.entries()) {
        if (record === undefined) continue;
        const weight = weightOf(record, healthOf?.(instance));
        total += weight;
        record.credit += weight;
        if (record.credit <= most) continue;
        most = record.credit;
        chosen = index;
      }
      const record = idle[chosen]?.record;
      if (record !== undefined) record.credit -= total;
      return chosen;
    },
    learn: () => undefined,
  };
}
