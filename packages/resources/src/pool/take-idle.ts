import { checkEntry } from './check-entry.ts';
import type { Entry } from './entry.ts';
import type { PoolCore } from './pool-core.ts';

/**
 * Takes the idle instance that the strategy chooses and that is fit for use. What is found broken on the way is destroyed. When the
 * `validate` of one takes time, it goes on in the background, ends in an offer, and nothing is taken now.
 */
export function takeIdle<Instance>(core: PoolCore<Instance>): Entry<Instance> | undefined {
  const { config, idle } = core;
  while (idle.length > 0) {
    const nowMs = core.stamps ? core.clock.monotonicMs() : 0;
    const entry = takeChosen(core, nowMs);
    if (entry === undefined) return undefined;
    entry.state = 'checking';
    if (isBroken(core, entry)) {
      core.destroy(entry, 'broken');
      continue;
    }
    if (config.validate === undefined || nowMs - entry.lastUsedMs < config.aliveBypassMs) return entry;
    const verdict = checkEntry(core, entry, 'validate');
    if (verdict === 'fit') return entry;
    if (verdict === 'pending') return undefined;
  }
  return undefined;
}

/** Whether a look shows that the instance is beyond use. A look that throws shows it. */
export function isBroken<Instance>(core: PoolCore<Instance>, entry: Entry<Instance>): boolean {
  try {
    return core.config.isBroken?.(entry.instance) ?? false;
  } catch {
    return true;
  }
}

function takeChosen<Instance>(core: PoolCore<Instance>, nowMs: number): Entry<Instance> | undefined {
  const { idle, chooser } = core;
  if (chooser === undefined) return idle.pop();
  const index = chooser.choose(idle, nowMs);
  return index === 0 ? idle.shift() : idle.splice(index, 1)[0];
}
