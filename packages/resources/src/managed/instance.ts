import { isCodedError, toError } from '@tenon/core';
import type { SlotCredential } from '../credentials/credential-slots.ts';
import type { SlotCells } from '../credentials/slot-cells.ts';
import { resourceError } from '../errors.ts';
import type { DestroyReason } from '../pool/pool-options.ts';
import type { Registration } from '../registry/registration.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import type { Borrowed, ResourceServices } from './resource-services.ts';

/** One instance, and what it holds on to. */
export interface Instance {
  readonly value: unknown;
  /** Of what it needs. They are its own until it has ended. */
  readonly dependencies: readonly Borrowed[];
}

/** Makes and ends the instances of one managed resource. */
export interface InstanceMaker {
  /** @param candidates - credentials to try, by slot, in the place of those in the slots */
  create(signal: AbortSignal, candidates?: Readonly<Record<string, SlotCredential>>): Promise<Instance>;
  destroy(instance: Instance, context: { readonly reason: DestroyReason; readonly signal: AbortSignal }): Promise<void>;
  /** Those that live now. */
  living(): readonly Instance[];
  /** Whether it, or something that it needs, is beyond use. */
  isBroken(instance: Instance): boolean;
}

/** Makes instances as a registration says. */
export function createInstanceMaker(
  registration: Registration,
  scope: ResourceScope,
  cells: SlotCells,
  services: ResourceServices,
): InstanceMaker {
  const { token, config } = registration;
  const { definition } = token;
  const logger = services.logger.child({ resource: token.name });
  const living = new Set<Instance>();

  return {
    async create(signal, candidates) {
      // The slots are filled before anything is made: without its credential nothing of it must exist.
      const credentials = await cells.fill(signal, candidates);
      const needed = await acquireAll(registration, scope, services, signal);
      try {
        const dependencies = Object.fromEntries(needed);
        const value = await definition.create({ config, credentials, dependencies, scope, signal, logger });
        services.instruments.created(token, scope.tenant);
        const instance = { value, dependencies: needed.map(([, borrowed]) => borrowed) };
        living.add(instance);
        return instance;
      } catch (error) {
        for (const [, borrowed] of needed.toReversed()) borrowed.lease.release();
        throw error;
      }
    },
    async destroy(instance, context) {
      const { value, dependencies } = instance;
      try {
        await definition.destroy(value, context);
      } finally {
        living.delete(instance);
        services.instruments.destroyed(token, scope.tenant);
        for (const borrowed of dependencies.toReversed()) borrowed.lease.release();
      }
    },
    living: () => [...living],
    isBroken: ({ value, dependencies }) =>
      dependencies.some(({ lease }) => lease.released || lease.signal.aborted) || definition.isBroken(value),
  };
}

async function acquireAll(
  { token, dependencies }: Registration,
  scope: ResourceScope,
  services: ResourceServices,
  signal: AbortSignal,
): Promise<readonly (readonly [string, Borrowed])[]> {
  const needed: (readonly [string, Borrowed])[] = [];
  for (const [name, dependency] of Object.entries(dependencies)) {
    try {
      needed.push([name, await services.acquireDependency(dependency, scope, { signal })]);
    } catch (thrown) {
      for (const [, borrowed] of needed.toReversed()) borrowed.lease.release();
      throw resourceError(
        'RESOURCE_DEPENDENCY_FAILED',
        `resource "${token.name}" needs "${dependency.name}" as its "${name}", which cannot be had`,
        {
          cause: toError(thrown),
          retryable: isCodedError(thrown) && thrown.retryable,
          details: { resource: token.name, dependency: dependency.name },
        },
      );
    }
  }
  return needed;
}
