import type { ManagedResource } from './managed-resource.ts';
import type { ResourceInstruments } from './resource-instruments.ts';

/** Shows what there is now. @param all - read whenever metrics are collected */
export function watchFigures(instruments: ResourceInstruments, all: () => readonly ManagedResource[]): void {
  const gauges = [
    ['resource_active_count', 'Leases that are out', ({ borrowers }: ManagedResource) => borrowers],
    ['resource_waiting_count', 'Acquires that wait', ({ waiting }: ManagedResource) => waiting],
    ['resource_active_instances', 'Instances that live', ({ maker }: ManagedResource) => maker.living().length],
  ] as const;
  for (const [name, description, read] of gauges) {
    instruments.watch(name, description, () =>
      all().map((managed) => ({
        token: managed.registration.token,
        tenant: managed.scope.tenant,
        value: read(managed),
      })),
    );
  }
}
