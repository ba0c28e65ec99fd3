import { codeOfFailure } from '@tenon/core';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { Borrowed } from '../managed/resource-services.ts';
import { useBorrowed } from '../managed/use-borrowed.ts';
import type { AcquireOptions } from '../pool/pool.ts';
import type { RegistrationOptions } from '../registry/registration.ts';
import type { CredentialChange, Resources, ShutDownReport } from '../resources.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import { instanceBehind, type Fake } from './fake-resource.ts';
import type { CallHistory } from './recorded-call.ts';

/** What {@link FakedRegistry} works with. */
export interface FakedRegistryParts {
  /** In which the stand-ins are. */
  readonly registry: Resources;
  /** By the name of their token. */
  readonly fakes: ReadonlyMap<string, Fake<object>>;
  /** @throws `RESOURCE_UNAVAILABLE` when there is none */
  readonly fakeOf: (token: ResourceToken) => Fake<object>;
  readonly history: CallHistory;
}

/** A registry that is asked for the tokens of the application, and works with their stand-ins. */
export class FakedRegistry implements Resources {
  readonly #parts: FakedRegistryParts;
  readonly #registry: Resources;
  readonly list: Resources['list'];
  readonly healthHistory: Resources['healthHistory'];
  readonly health: Resources['health'];
  readonly usage: Resources['usage'];
  readonly onEvent: Resources['onEvent'];
  readonly events: Resources['events'];
  readonly toMermaid: Resources['toMermaid'];

  constructor(parts: FakedRegistryParts) {
    const { registry } = parts;
    this.#parts = parts;
    this.#registry = registry;
    this.list = ({ token, ...filter } = {}) =>
      registry.list(token === undefined ? filter : { ...filter, token: this.#standIn(token) });
    this.healthHistory = (token, scope) => registry.healthHistory(this.#standIn(token), scope);
    this.health = () => registry.health();
    this.usage = (tenant) => registry.usage(tenant);
    this.onEvent = (listener) => registry.onEvent(listener);
    this.events = (options) => registry.events(options);
    this.toMermaid = () => registry.toMermaid();
  }

  /** A registration for a scope of its own. Its credentials are left out: fakes need none. */
  register<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options: RegistrationOptions<NoInfer<Config>> = {},
  ): void {
    const standIn = this.#standIn(token);
    // Everywhere it is registered by its fake.
    if (options.scope !== undefined) this.#registry.register(standIn, withoutNeeds(options));
  }

  remove(token: ResourceToken, scope?: ResourceScope): ReturnType<Resources['remove']> {
    return this.#registry.remove(this.#standIn(token), scope);
  }

  async acquire<Face extends object>(
    token: ResourceToken<Face>,
    scope?: ResourceScope,
    options: AcquireOptions = {},
  ): Promise<Borrowed<Face>> {
    const { scripts, standIn } = this.#parts.fakeOf(token);
    const end = this.#parts.history.begin({ operation: 'acquire', resource: token.name });
    try {
      await scripts.play('acquire', options.signal);
      const borrowed = await this.#registry.acquire(standIn, scope, options);
      const facts = { scope: borrowed.lease.scope, instance: instanceBehind(borrowed)?.id };
      end(facts);
      // The stand-in of a token has its face.
      return this.#watchRelease(token, borrowed, facts) as Borrowed<Face>;
    } catch (thrown) {
      end({ failure: codeOfFailure(thrown) });
      throw thrown;
    }
  }

  async use<Face extends object, Result>(
    token: ResourceToken<Face>,
    work: (borrowed: Borrowed<Face>) => Result | Promise<Result>,
    scope?: ResourceScope,
    options?: AcquireOptions,
  ): Promise<Result> {
    return useBorrowed(this.acquire(token, scope, options), work);
  }

  start({ tokens, ...options }: Parameters<Resources['start']>[0] = {}): Promise<void> {
    return this.#registry.start(
      tokens === undefined ? options : { ...options, tokens: tokens.map((token) => this.#standIn(token)) },
    );
  }

  reload<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options: RegistrationOptions<NoInfer<Config>>,
  ): void {
    this.#registry.reload(this.#standIn(token), withoutNeeds(options));
  }

  credentialChanged(change: CredentialChange): Promise<void> {
    return this.#registry.credentialChanged(change);
  }

  drain(token: ResourceToken, options?: Parameters<Resources['drain']>[1]): ReturnType<Resources['drain']> {
    return this.#registry.drain(this.#standIn(token), options);
  }

  hold(token: ResourceToken, reason: string, scope?: ResourceScope): void {
    this.#registry.hold(this.#standIn(token), reason, scope);
  }

  resume(token: ResourceToken, scope?: ResourceScope): void {
    this.#registry.resume(this.#standIn(token), scope);
  }

  tokens(): readonly ResourceToken[] {
    return this.#registry.tokens().flatMap(({ name }) => this.named(name) ?? []);
  }

  named(name: string): ResourceToken | undefined {
    return this.#parts.fakes.get(name)?.resource.token;
  }

  check(token?: ResourceToken): ReturnType<Resources['check']> {
    return this.#registry.check(token === undefined ? undefined : this.#standIn(token));
  }

  close(options?: { readonly timeoutMs?: number }): Promise<ShutDownReport> {
    return this.#registry.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #standIn(token: ResourceToken): ResourceToken {
    return this.#parts.fakeOf(token).standIn;
  }

  /** However it is given back, it is written down once. */
  #watchRelease(
    { name }: ResourceToken,
    borrowed: Borrowed,
    facts: { readonly scope: string; readonly instance: number | undefined },
  ): Borrowed {
    const { lease } = borrowed;
    const give = lease.release.bind(lease);
    const giveAndWait = borrowed[Symbol.asyncDispose].bind(borrowed);
    let isReleased = false;
    const record = (failed: boolean): void => {
      if (isReleased) return;
      isReleased = true;
      this.#parts.history.begin({ operation: 'release', resource: name, ...facts })(
        failed ? { failure: 'failed' } : {},
      );
    };
    const release: typeof lease.release = (outcome) => {
      record(outcome?.failed === true);
      give(outcome);
    };
    Object.assign(lease, { release });
    return Object.assign(borrowed, {
      async [Symbol.asyncDispose](): Promise<void> {
        record(false);
        await giveAndWait();
      },
      [Symbol.dispose]: () => release(),
    });
  }
}

/** Fakes have no slots, and the fakes of what they need are chosen by the test. */
function withoutNeeds({ scope, config, pool, health }: RegistrationOptions): RegistrationOptions {
  return {
    ...(scope === undefined ? {} : { scope }),
    ...(config === undefined ? {} : { config }),
    ...(pool === undefined ? {} : { pool }),
    ...(health === undefined ? {} : { health }),
  };
}
