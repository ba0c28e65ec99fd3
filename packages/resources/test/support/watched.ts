import type { HealthOptions, HealthStatus, PoolSettings } from '@tenon/resources';
import { openResources, type OpenResources } from './open-resources.ts';
import { tracked, type Tracked } from './tracked.ts';

/** What a check comes to: an answer, a throw, or nothing for as long as the test wants. */
export type Answer = Outcome | (() => Outcome);
type Outcome = HealthStatus | boolean | Error | Promise<HealthStatus | boolean>;

/** A resource whose health a test decides. */
export interface Watched extends OpenResources, Tracked {
  /** What every check comes to from now on. */
  answer: Answer;
  /** The signal of each check, the last one last. */
  readonly looks: AbortSignal[];
  /** The types of the events about health, in order. */
  readonly seen: (...types: readonly string[]) => readonly string[];
  /** Lets looks pass, one after the other. */
  readonly passIntervals: (count: number) => Promise<void>;
}

export const intervalMs = 1_000;

export function openWatched(
  options: { readonly health?: HealthOptions; readonly pool?: PoolSettings; readonly use?: 'pooled' | 'shared' } = {},
): Watched {
  const looks: AbortSignal[] = [];
  const health = { intervalMs, timeoutMs: 200, initialDelayMs: 1_000, ...options.health };
  const one = tracked('thing', {
    ...(options.use === undefined ? {} : { use: options.use }),
    pool: { ...options.pool },
    health,
    check: (_, { signal }) => {
      looks.push(signal);
      const answer = typeof watched.answer === 'function' ? watched.answer() : watched.answer;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const opened = openResources({ define: [one.token] });
  const watched: Watched = {
    ...one,
    ...opened,
    answer: true,
    looks,
    seen: (...types) => opened.events.map(({ type }) => type).filter((type) => types.includes(type)),
    async passIntervals(count) {
      for (let pass = 0; pass < count; pass += 1) await opened.clock.advance(health.intervalMs);
    },
  };
  return watched;
}
