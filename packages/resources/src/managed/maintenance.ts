import { toError, type Clock, type Timer } from '@tenon/core';
import { refreshSlot } from '../credentials/change-credential.ts';
import { inBackground } from '../scope/in-background.ts';
import { hasBroken } from './look-at.ts';
import type { ManagedResource } from './managed-resource.ts';
import type { ManagedSet } from './managed-set.ts';
import type { ResourceServices } from './resource-services.ts';

/** Looks after all managed resources from time to time. */
export interface Maintenance {
  /** Begins when there is something to look after; it rests when there is nothing. */
  wake(): void;
  stop(): void;
}

/** What {@link createMaintenance} works with. */
export interface MaintenanceOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly idleResourceMs: number;
  readonly managed: ManagedSet;
  readonly services: ResourceServices;
  /** A credential is not there any more. */
  onMissing(managed: ManagedResource, slot: string): void;
  /** Nobody has used it for long. */
  onUnused(managed: ManagedResource): void;
}

/** How many resources are looked after at once: each may ask the vault. */
const AT_ONCE = 8;

/** Makes it, at rest. */
export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { clock, managed } = options;
  let timer: Timer | undefined;
  const stopped = new AbortController();

  const arm = (): void => {
    if (stopped.signal.aborted || timer !== undefined || managed.all().length === 0) return;
    timer = clock.schedule(() => {
      void inBackground(round)
        .catch((thrown: unknown) => {
          options.services.logger.error({ err: toError(thrown) }, 'a round of looking after resources failed');
        })
        .finally(() => {
          timer = undefined;
          arm();
        });
    }, options.intervalMs);
  };
  const round = async (): Promise<void> => {
    const now = clock.monotonicMs();
    for (const one of managed.all()) {
      if (now - one.lastUsedMs >= options.idleResourceMs) options.onUnused(one);
      // What breaks while it lies idle need not tell; and the next regular look may be far away.
      else if (hasBroken(one)) one.watch.broke();
    }
    const left = managed.all().filter(({ cells }) => cells.slots.some((slot) => cells.held(slot) !== undefined));
    const work = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined && !stopped.signal.aborted; one = left.pop()) await lookAfter(one);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
  const lookAfter = async (one: ManagedResource): Promise<void> => {
    for (const slot of one.cells.slots) {
      if (one.isClosing || one.cells.held(slot) === undefined) continue;
      if ((await refreshSlot(one, slot, options.services)) === 'missing') options.onMissing(one, slot);
    }
  };

  return {
    wake: arm,
    stop() {
      stopped.abort();
      timer?.cancel();
    },
  };
}
