import { isCodedError, toError, type Logger } from '@tenon/core';
import type { SlotCredential } from '../credentials/credential-slots.ts';
import type { SlotCells } from '../credentials/slot-cells.ts';
import { resourceError, type ResourceError } from '../errors.ts';
import type { DestroyReason } from '../pool/pool-options.ts';
import type { Registration } from '../registry/registration.ts';
import { inScope } from '../scope/in-scope.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import type { Dependency, ResourceServices } from './resource-services.ts';

/** One instance, and what it holds on to. */
export interface Instance {
  readonly value: unknown;
  /** Of what it needs. They are its own until it has ended. */
  readonly dependencies: readonly Dependency[];
  /** Ends the loan of each who has it now. No lease may be reached from here: one that is lost could then never be noticed. */
  readonly loans: Set<(failed: boolean) => void>;
  /** Whether its end has begun, maybe under somebody who has it. */
  isEnded: boolean;
}

/** Makes and ends the instances of one managed resource. */
export interface InstanceMaker {
  /** @param candidates - credentials to try, by slot, in the place of those in the slots */
  create(signal: AbortSignal, candidates?: Readonly<Record<string, SlotCredential>>): Promise<Instance>;
  destroy(instance: Instance, context: { readonly reason: DestroyReason; readonly signal: AbortSignal }): Promise<void>;
  /** Those that live now. */
  living(): readonly Instance[];
  /** How many are being made. */
  making(): number;
  /** Whether it, or something that it needs, is beyond use. */
  isBroken(instance: Instance): boolean;
  /** Whether anything of it holds an instance of that managed resource. */
  restsOn(source: object): boolean;
}

/** What {@link createInstanceMaker} works with. */
export interface InstanceMakerOptions {
  readonly registration: Registration;
  readonly scope: ResourceScope;
  readonly cells: SlotCells;
  readonly services: ResourceServices;
  readonly logger: Logger;
  /** An instance has told that it is beyond use. */
  onLost(): void;
}

/** Makes instances as a registration says. */
export function createInstanceMaker(options: InstanceMakerOptions): InstanceMaker {
  return new Maker(options);
}

class Maker implements InstanceMaker {
  readonly #options: InstanceMakerOptions;
  readonly #living = new Set<Instance>();
  readonly #held = new Set<Dependency>();
  #making = 0;

  constructor(options: InstanceMakerOptions) {
    this.#options = options;
  }

  async create(signal: AbortSignal, candidates?: Readonly<Record<string, SlotCredential>>): Promise<Instance> {
    const { registration } = this.#options;
    const needed: Dependency[] = [];
    this.#making += 1;
    try {
      const instance = await this.#make(signal, needed, candidates);
      const lost = needed.findIndex(isLost);
      if (lost < 0) return instance;
      // What it rests on was taken away while it was made: nobody may get it.
      await this.destroy(instance, { reason: 'broken', signal });
      throw dependencyLost(registration, Object.keys(registration.dependencies)[lost] ?? '');
    } catch (error) {
      this.#giveBack(needed);
      throw error;
    } finally {
      this.#making -= 1;
    }
  }

  async destroy(
    instance: Instance,
    context: { readonly reason: DestroyReason; readonly signal: AbortSignal },
  ): Promise<void> {
    const { registration, scope, services } = this.#options;
    instance.isEnded = true;
    for (const end of instance.loans) end(false);
    try {
      await inScope(scope, () => registration.token.definition.destroy(instance.value, context));
    } finally {
      this.#living.delete(instance);
      services.instruments.destroyed(registration.token, scope.tenant);
      this.#giveBack(instance.dependencies);
    }
  }

  living(): readonly Instance[] {
    return [...this.#living];
  }

  making(): number {
    return this.#making;
  }

  isBroken({ value, dependencies }: Instance): boolean {
    return dependencies.some(isLost) || this.#options.registration.token.definition.isBroken(value);
  }

  restsOn(source: object): boolean {
    for (const one of this.#held) if (one.source === source) return true;
    return false;
  }

  async #make(
    signal: AbortSignal,
    needed: Dependency[],
    candidates?: Readonly<Record<string, SlotCredential>>,
  ): Promise<Instance> {
    const { registration, scope, cells, services, logger } = this.#options;
    const { token, config } = registration;
    // The slots are filled before anything is made: without its credential nothing of it must exist.
    const credentials = await cells.fill(signal, candidates);
    const dependencies: Record<string, object> = {};
    for (const name of Object.keys(registration.dependencies)) {
      const one = await acquireOne(registration, name, scope, services, signal);
      this.#held.add(one);
      needed.push(one);
      dependencies[name] = one.borrowed;
    }
    // Until it is made there is nothing to lose.
    const instance = {
      value: undefined as unknown,
      dependencies: needed,
      loans: new Set<(failed: boolean) => void>(),
      isEnded: true,
    };
    const lost = (): void => {
      if (!instance.isEnded) this.#options.onLost();
    };
    const { clock } = services;
    instance.value = await inScope(scope, () =>
      token.definition.create({ config, credentials, dependencies, scope, signal, logger, clock, lost }),
    );
    services.instruments.created(token, scope.tenant);
    instance.isEnded = false;
    this.#living.add(instance);
    return instance;
  }

  #giveBack(dependencies: readonly Dependency[]): void {
    for (const each of dependencies.toReversed()) {
      this.#held.delete(each);
      each.borrowed.lease.release();
    }
  }
}

const isLost = ({ borrowed: { lease } }: Dependency): boolean => lease.released || lease.signal.aborted;

async function acquireOne(
  { token, dependencies }: Registration,
  name: string,
  scope: ResourceScope,
  services: ResourceServices,
  signal: AbortSignal,
): Promise<Dependency> {
  const dependency = dependencies[name];
  if (dependency === undefined) throw new Error(`there is no dependency "${name}"`);
  signal.throwIfAborted();
  try {
    return await services.acquireDependency(dependency, scope, { signal });
  } catch (thrown) {
    throw resourceError(
      'RESOURCE_DEPENDENCY_FAILED',
      `resource "${token.name}" needs "${dependency.name}" as its "${name}", which cannot be had`,
      {
        cause: toError(thrown),
        ...(isCodedError(thrown) && thrown.retryable ? retryHint(thrown.retryAfterMs) : {}),
        details: { resource: token.name, dependency: dependency.name },
      },
    );
  }
}

const retryHint = (retryAfterMs: number | undefined) =>
  retryAfterMs === undefined ? { retryable: true } : { retryable: true, retryAfterMs };

function dependencyLost({ token, dependencies }: Registration, name: string): ResourceError {
  const dependency = dependencies[name]?.name ?? name;
  return resourceError(
    'RESOURCE_DEPENDENCY_FAILED',
    `"${dependency}", which resource "${token.name}" needs as its "${name}", was taken away while it was made`,
    { retryable: true, retryAfterMs: 100, details: { resource: token.name, dependency } },
  );
}
