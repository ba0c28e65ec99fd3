import type { Clock } from '@tenon/core';
import type { ShutDownEntry, ShutDownReport } from '../resources.ts';
import { dependentsOf } from './dependents.ts';
import type { ManagedResource } from './managed-resource.ts';
import type { ManagedSet } from './managed-set.ts';
import { closeAll, closeOne } from './shut-down.ts';

/** Ends managed resources. What is ended is lent to nobody new, while those who have it may finish. */
export interface Departures {
  /** Those there are, and those that are being ended. */
  all(): readonly ManagedResource[];
  /**
   * Ends one, or hurries on its end. What rests on it is renewed first of all, as it would else keep it for as long as it lives.
   *
   * @param timeoutMs - how long borrowers have, in milliseconds; `Infinity`: as long as they need
   */
  close(managed: ManagedResource, timeoutMs: number): Promise<ShutDownEntry>;
  /** Ends all, what needs others first. */
  closeAll(timeoutMs: number): Promise<ShutDownReport>;
}

/** What {@link createDepartures} works with. */
export interface DeparturesOptions {
  readonly managed: ManagedSet;
  readonly clock: Clock;
}

/** Nothing is being ended. */
export function createDepartures({ managed, clock }: DeparturesOptions): Departures {
  const leaving = new Map<ManagedResource, Promise<ShutDownEntry>>();
  const all = (): readonly ManagedResource[] => [...managed.all(), ...leaving.keys()];

  const close = (one: ManagedResource, timeoutMs: number): Promise<ShutDownEntry> => {
    const before = leaving.get(one);
    if (before !== undefined) {
      void one.close(timeoutMs);
      return before;
    }
    managed.detach(one);
    const closing = Promise.withResolvers<ShutDownEntry>();
    // Known as leaving before anything is ended, which others may hear of.
    leaving.set(one, closing.promise);
    for (const dependent of dependentsOf(one, all())) dependent.supply.invalidate('what it rests on is ended');
    closing.resolve(closeOne(one, timeoutMs).finally(() => leaving.delete(one)));
    return closing.promise;
  };
  return { all, close, closeAll: (timeoutMs) => closeAll(all, close, timeoutMs, clock) };
}
