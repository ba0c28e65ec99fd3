import type { Clock } from '@tenon/core';
import type { CloseReport } from '../pool/pool.ts';
import type { ShutDownEntry, ShutDownReport } from '../resources.ts';
import { createPatience } from '../waiting/patience.ts';
import type { ManagedResource } from './managed-resource.ts';

const NOTHING: CloseReport = { returned: 0, destroyed: 0, forced: 0, left: 0 };

/** Closes one, and says what became of it, whatever happens. */
export async function closeOne(managed: ManagedResource, timeoutMs: number): Promise<ShutDownEntry> {
  const { registration, scopeText: scope } = managed;
  const report = await managed.close(timeoutMs).catch((error: unknown) => {
    managed.logger.error({ err: error }, 'a resource could not be closed');
    return { ...NOTHING, left: 1 };
  });
  return { resource: registration.token.name, scope, ...report };
}

/**
 * Closes all, those that need others before what they need, and all within one time.
 *
 * @param rest - those that are not closed yet. It is asked again after each step, as the last ones to finish may have needed others
 * @param close - closes one, or hurries on what is closing it already
 */
export async function closeAll(
  rest: () => readonly ManagedResource[],
  close: (managed: ManagedResource, timeoutMs: number) => Promise<ShutDownEntry>,
  timeoutMs: number,
  clock: Clock,
): Promise<ShutDownReport> {
  const patience = createPatience(clock);
  patience.shortenTo(timeoutMs);
  const resources: ShutDownEntry[] = [];
  for (let left = rest(); left.length > 0; left = rest()) {
    const ended = notNeeded(left).map((one) => close(one, patience.remainingMs()));
    resources.push(...(await Promise.all(ended)));
  }
  patience.stop();
  const sum = (count: 'forced' | 'left'): number => resources.reduce((total, one) => total + one[count], 0);
  return { resources, forced: sum('forced'), left: sum('left') };
}

const nameOf = ({ registration, scopeText }: ManagedResource): string => `${registration.token.name} ${scopeText}`;

/** Those that no other one needs, by name. After a reload they may need each other in a circle: then all. */
function notNeeded(all: readonly ManagedResource[]): readonly ManagedResource[] {
  const needed = new Set(all.flatMap(({ registration }) => Object.values(registration.dependencies)));
  const free = all.filter(({ registration }) => !needed.has(registration.token));
  return (free.length > 0 ? free : all).toSorted((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1));
}
