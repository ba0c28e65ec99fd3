import type { Departures } from '../managed/departures.ts';
import { dependentsOf } from '../managed/dependents.ts';
import type { ManagedResource } from '../managed/managed-resource.ts';
import type { ResourceServices } from '../managed/resource-services.ts';
import type { RevokedCredentials } from './revoked-credentials.ts';

/** What {@link revokeSlot} works with. */
export interface RevokeOptions {
  readonly departures: Departures;
  readonly revoked: RevokedCredentials;
  readonly services: ResourceServices;
  /** How long borrowers have before what they hold is ended under them, in milliseconds. */
  readonly drainTimeoutMs: number;
}

/**
 * Ends all use of a credential that was withdrawn. When it returns, no lease that rests on it is of any use any more, and none is given:
 * the fences come first and at once, those of what rests on it too; what is behind them is then ended in its own time.
 */
export function revokeSlot(managed: ManagedResource, slot: string, options: RevokeOptions): void {
  const { departures, revoked, services, drainTimeoutMs } = options;
  const { id, scope } = managed.cells.slotOf(slot);
  const held = managed.cells.held(slot);
  if (held !== undefined) revoked.add({ tenant: managed.scope.tenant, scope, id }, held.version);
  const all = departures.all();
  const fenced = new Set([managed, ...all.filter((one) => one.isClosing && sharesCredential(one, managed, slot))]);
  for (const each of fenced) for (const resting of dependentsOf(each, all)) fenced.add(resting);
  for (const each of fenced) each.pool.revoke();
  services.emit(managed.registration.token, managed.scopeText, { type: 'credential-revoked', slot });
  for (const each of [...fenced].toReversed()) void departures.close(each, drainTimeoutMs);
}

/** Whether something that is being ended, and that nobody looks after any more, has the same credential. */
function sharesCredential(one: ManagedResource, managed: ManagedResource, slot: string): boolean {
  if (one.scope.tenant !== managed.scope.tenant) return false;
  const { id, scope } = managed.cells.slotOf(slot);
  return one.cells.slots.some((each) => {
    const other = one.cells.slotOf(each);
    return other.id === id && other.scope === scope;
  });
}
