import type { ResourceEventFacts } from '../events/resource-event.ts';
import { createGateFollower } from '../health/gate-follower.ts';
import { healthScore, isUsable } from '../health/health-status.ts';
import { createHealthWatch, type HealthWatch } from '../health/health-watch.ts';
import type { Instance } from './instance.ts';
import { lookAt } from './look-at.ts';
import type { ManagedResource } from './managed-resource.ts';
import type { ResourceServices } from './resource-services.ts';

/** What {@link watchHealth} acts on. */
export interface WatchHealthOptions {
  readonly managed: ManagedResource;
  readonly services: ResourceServices;
  readonly emit: (facts: ResourceEventFacts) => void;
  /** Hears how an instance is: 1 healthy, 0 not. */
  readonly onScore: (instance: Instance, score: number) => void;
  /** It is lent again. */
  readonly onOpened: () => void;
  /** It is not lent any more. */
  readonly onShut: () => void;
}

/** Makes the watch over the health of a managed resource. It has not begun. */
export function watchHealth({ managed, services, emit, ...acts }: WatchHealthOptions): HealthWatch {
  const { clock, random, instruments } = services;
  const { token, health } = managed.registration;
  return createHealthWatch({
    resource: token.name,
    health,
    clock,
    random,
    look: (options) => lookAt(managed, options, (instance, seen) => acts.onScore(instance, healthScore(seen))),
    onFailure: (thrown) => managed.logger.warn({ err: thrown }, 'a health check failed'),
    onRecord: ({ health: seen }, before) => {
      instruments.checked(token, isUsable(seen));
      if (seen.status !== before) emit({ type: 'health-changed', from: before, to: seen.status });
    },
    onGate: createGateFollower({
      isClosing: () => managed.isClosing,
      emit,
      retryInMs: () => managed.watch.gate.retryInMs(clock.monotonicMs()) ?? 0,
      opened: () => acts.onOpened(),
      shut: () => acts.onShut(),
    }),
  });
}
