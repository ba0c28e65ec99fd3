import { rollUp, type HealthPart } from '../health/health-roll-up.ts';
import type { HealthRecord, HealthStatus } from '../health/health-status.ts';
import type { ResourcesHealth } from '../resources.ts';
import type { ManagedResource } from './managed-resource.ts';

/** How one is. What is not lent because it fails is unhealthy, whatever was seen of it last. */
export function healthOf({ watch }: ManagedResource): HealthStatus {
  const { state } = watch.gate;
  if (state.state === 'open') return watch.history.health;
  return { status: 'unhealthy', reason: state.reason, recoverable: state.state !== 'given-up' };
}

/** How many are together, and by what they are of. */
export function healthOfAll(all: readonly ManagedResource[]): ResourcesHealth {
  const byTechnology = [...Map.groupBy(all, ({ registration }) => registration.token.technology)].map(
    ([technology, those]) => [technology, rollUp(those.map(partOf))] as const,
  );
  return { ...rollUp(all.map(partOf)), byTechnology: Object.fromEntries(byTechnology) };
}

function partOf(managed: ManagedResource): HealthPart {
  const { weight = 1 } = managed.registration.health;
  return { health: healthOf(managed), trend: managed.watch.history.direction, weight };
}

/** Looks at all now. What has no check, or no instance that is free, is left out. */
export async function checkAll(
  all: readonly ManagedResource[],
): Promise<readonly (HealthRecord & { readonly resource: string; readonly scope: string })[]> {
  const seen = await Promise.all(
    all
      .filter(({ registration }) => registration.token.definition.hasCheck)
      .map(async (managed) => ({ managed, record: await managed.watch.checkNow() })),
  );
  return seen.flatMap(({ managed, record }) =>
    record === undefined ? [] : [{ ...record, resource: managed.registration.token.name, scope: managed.scopeText }],
  );
}

/** The last looks at all of them, the newest first. */
export function historyOf(all: readonly ManagedResource[]): readonly HealthRecord[] {
  return all
    .flatMap(({ watch }) => watch.history.records())
    .toSorted((left, right) => right.checkedAtMs - left.checkedAtMs);
}
