import type { Departures } from '../managed/departures.ts';
import type { ManagedResource } from '../managed/managed-resource.ts';
import type { ResourceServices } from '../managed/resource-services.ts';
import type { CredentialChange } from '../resources.ts';
import { refreshSlot } from './change-credential.ts';

/** What {@link tellChange} works with. */
export interface ChangeOptions {
  readonly departures: Departures;
  readonly services: ResourceServices;
  readonly revoke: (managed: ManagedResource, slot: string) => void;
}

/** Tells all that have a credential in a slot of its change. What is to be revoked is, before this returns its promise. */
export async function tellChange(
  { tenant, change, ...place }: CredentialChange,
  { departures, services, revoke }: ChangeOptions,
): Promise<void> {
  // What is being ended is told, too: it may still be in use.
  const these = departures
    .all()
    .filter((one) => one.scope.tenant === tenant)
    .flatMap((managed) => managed.cells.slotsOf(place).map((slot) => ({ managed, slot })));
  if (change === 'revoked') {
    for (const { managed, slot } of these) revoke(managed, slot);
    return;
  }
  const looks = these.map(async ({ managed, slot }) => {
    if ((await refreshSlot(managed, slot, services)) === 'missing') revoke(managed, slot);
  });
  await Promise.all(looks);
}
