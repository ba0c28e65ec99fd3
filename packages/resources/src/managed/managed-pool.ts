import type { Clock, Logger } from '@tenon/core';
import { createPool } from '../pool/create-pool.ts';
import type { Pool } from '../pool/pool.ts';
import type { PoolEvent } from '../pool/pool-event.ts';
import { resolvePoolOptions } from '../pool/resolve-pool-options.ts';
import type { Registration } from '../registry/registration.ts';
import { inScope } from '../scope/in-scope.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import type { Instance, InstanceMaker } from './instance.ts';
import type { ResourceServices } from './resource-services.ts';
import { sharedSupply, type Supply } from './shared-supply.ts';

/** What {@link createManagedPool} works with. */
export interface ManagedPoolOptions {
  readonly registration: Registration;
  readonly scope: ResourceScope;
  readonly maker: InstanceMaker;
  readonly services: ResourceServices;
  readonly logger: Logger;
  /** 1 healthy, 0 not; `undefined` when nobody has looked. */
  healthOf(instance: Instance): number | undefined;
  onMaking(): void;
  onEvent(event: PoolEvent): void;
}

/** The pool of one managed resource: its settings are those of the registration, its hooks those of the definition. */
export function createManagedPool(options: ManagedPoolOptions): Pool<Instance> {
  const { registration, scope, maker, services } = options;
  const { token, pool } = registration;
  const { definition } = token;
  // What all share is never given back to be made fit for the next one.
  const resets = definition.use === 'shared' ? undefined : definition.reset;
  return createPool<Instance>({
    ...pool,
    name: token.name,
    create(context) {
      options.onMaking();
      return maker.create(context.signal);
    },
    destroy: (instance, context) => maker.destroy(instance, context),
    isBroken: (instance) => maker.isBroken(instance),
    ...(resets === undefined
      ? {}
      : {
          reset: (instance: Instance, context: { readonly signal: AbortSignal }) =>
            inScope(scope, () => resets(instance.value, context)),
        }),
    healthOf: (instance) => options.healthOf(instance),
    clock: services.clock,
    logger: options.logger,
    random: services.random,
    onEvent: (event) => options.onEvent(event),
  });
}

/** What borrowers are given instances from: the pool itself, or the one of it that they all share. */
export function createSupply(
  { token, pool: settings }: Registration,
  pool: Pool<Instance>,
  maker: InstanceMaker,
  clock: Clock,
): Supply<Instance> {
  if (token.definition.use === 'pooled') return pool;
  const hooks = { name: token.name, create: () => undefined, destroy: () => undefined };
  const { acquireTimeoutMs } = resolvePoolOptions({ ...settings, ...hooks });
  return sharedSupply({ pool, isBroken: (instance) => maker.isBroken(instance), acquireTimeoutMs, clock });
}
