import { toError, type Clock } from '@tenon/core';
import type { CloseReport } from '../pool/pool.ts';
import type { DependencyGraph } from '../graph/dependency-graph.ts';
import type { ShutDownEntry, ShutDownReport } from '../resources.ts';
import type { ManagedResource } from './managed-resource.ts';

const NOTHING: CloseReport = { returned: 0, destroyed: 0, forced: 0, left: 0 };

/** Closes one, and says what became of it, whatever happens. */
export async function closeOne(managed: ManagedResource, timeoutMs: number): Promise<ShutDownEntry> {
  const place = { resource: managed.registration.token.name, scope: managed.scopeText };
  const report = await managed.close(timeoutMs).catch((thrown: unknown) => {
    void toError(thrown);
    return { ...NOTHING, left: 1 };
  });
  return { ...place, ...report };
}

/** Closes all, those that need others before what they need, those of one token together, and all within one time. */
export async function closeAll(
  all: readonly ManagedResource[],
  graph: DependencyGraph,
  timeoutMs: number,
  clock: Clock,
): Promise<ShutDownReport> {
  const endsMs = clock.monotonicMs() + timeoutMs;
  const resources: ShutDownEntry[] = [];
  for (const name of graph.order().toReversed()) {
    const these = all.filter(({ registration }) => registration.token.name === name);
    const leftMs = Math.max(0, endsMs - clock.monotonicMs());
    resources.push(...(await Promise.all(these.map((one) => closeOne(one, leftMs)))));
  }
  const sum = (count: 'forced' | 'left'): number => resources.reduce((total, one) => total + one[count], 0);
  return { resources, forced: sum('forced'), left: sum('left') };
}
