import type { ResourceView } from '../resources.ts';
import { healthOf } from './health-of.ts';
import type { ManagedResource } from './managed-resource.ts';

const HIDDEN = '[hidden]';

/** A managed resource for people. */
export function showResource(managed: ManagedResource): ResourceView {
  const { registration, cells } = managed;
  const { token, config, slots, dependencies } = registration;
  const { definition } = token;
  const shown = Object.entries(config as Readonly<Record<string, unknown>>).map(
    ([name, value]) => [name, definition.hidden.includes(name) ? HIDDEN : value] as const,
  );
  const filled = Object.entries(slots).map(
    ([slot, { id }]) => [slot, { id, version: cells.held(slot)?.version }] as const,
  );
  return Object.freeze({
    name: token.name,
    version: token.version,
    technology: token.technology,
    scope: managed.scopeText,
    state: managed.state,
    use: definition.use,
    borrowers: managed.borrowers,
    health: healthOf(managed),
    trend: managed.watch.history.trend,
    gate: managed.watch.gate.state,
    config: Object.fromEntries(shown),
    credentials: Object.fromEntries(filled),
    dependencies: Object.values(dependencies).map(({ name }) => name),
    pool: managed.pool.statistics(),
    recommendation: managed.pool.recommendation(),
  });
}
