import type { Clock, Logger } from '@tenon/core';
import type { Static, TObject } from 'typebox';
import type { CredentialSlots, FilledSlots, SlotCredential } from '../credentials/credential-slots.ts';
import type { HealthStatus } from '../health/health-status.ts';
import type { RecoveryOptions } from '../health/recovery-gate.ts';
import type { DestroyReason, PoolOptions } from '../pool/pool-options.ts';
import type { ResourceScope, ScopeLevel } from '../scope/resource-scope.ts';
import type { ResourceToken } from './resource-token.ts';

/** What others a resource needs, by the name under which it gets them. */
export type Dependencies = Readonly<Record<string, ResourceToken>>;

/** The instances of what a resource needs. */
export type FilledDependencies<Needed extends Dependencies> = {
  readonly [Name in keyof Needed]: Needed[Name] extends ResourceToken<infer Face> ? Face : never;
};

/** What `create` is given. */
export interface CreateContext<Config, Slots extends CredentialSlots, Needed extends Dependencies> {
  /** The settings, checked, with defaults filled in. */
  readonly config: Config;
  /** The credential in each slot. */
  readonly credentials: FilledSlots<Slots>;
  /** An instance of everything needed. It is this instance's for as long as this lives. */
  readonly dependencies: FilledDependencies<Needed>;
  /** Whose instance it will be. */
  readonly scope: ResourceScope;
  /** Aborts when the time for it is over, or it is not wanted any more. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** What the instance is to measure its own waits by: that of the registry. */
  readonly clock: Clock;
  /**
   * To be called when the instance has come to be beyond use, by whatever tells that, such as an event of its client: it is looked
   * at then whether another one can be made, and nobody has to borrow it to find out. `isBroken` must say it as well. Before `create` is
   * done, and from the end of the instance on, it does nothing.
   */
  readonly lost: () => void;
}

/** What a borrower's face on an instance is made with. */
export interface ExposeContext {
  /** Aborts when the lease is taken away: revoked, or closed by force. */
  readonly signal: AbortSignal;
  /** Says that work failed because of the instance, so that it is used less, or, with `taint`, not again. */
  readonly failed: (options?: { readonly taint?: boolean }) => void;
  /** @throws `LEASE_RELEASED` or `RESOURCE_REVOKED` when the instance is not this borrower's any more, as it was given back or taken away */
  readonly assertHeld: () => void;
}

/** How a resource is watched. */
export interface HealthOptions extends RecoveryOptions {
  /** How often `check` is asked, in milliseconds, 100 to 86,400,000. Default 30,000. */
  readonly intervalMs?: number;
  /** How long `check` may take, in milliseconds, 1 or more. Default 5,000. */
  readonly timeoutMs?: number;
  /** After how many regular looks in a row that fail the resource is quarantined. 1 or more. Default 3. */
  readonly failureThreshold?: number;
  /**
   * Whether a look follows at once when an instance breaks or cannot be made, instead of at its time: at a new instance, if need be.
   * Looks of that kind come ever more seldom, and none of them counts for a quarantine. Default `true`.
   */
  readonly looksInDoubt?: boolean;
  /** How much it counts in the score of all resources together, 0 to 1,000. Default 1. */
  readonly weight?: number;
}

/** The settings of a pool that a definition or a registration may choose. The hooks come from the definition. */
export type PoolSettings = Omit<
  PoolOptions<unknown>,
  | 'name'
  | 'create'
  | 'destroy'
  | 'validate'
  | 'isBroken'
  | 'reset'
  | 'healthOf'
  | 'clock'
  | 'logger'
  | 'random'
  | 'onEvent'
>;

/**
 * What {@link defineResource} takes. `name` and `create` are required.
 *
 * @typeParam Schema - of the settings
 * @typeParam Instance - what is pooled
 * @typeParam Face - what borrowers see of it
 */
export interface ResourceDefinition<
  Schema extends TObject,
  Instance,
  Face extends object,
  Slots extends CredentialSlots,
  Needed extends Dependencies,
> {
  /** For people, errors and figures: 1 to 64 of `a-z 0-9 -`. Two definitions may not share it in one registry. */
  readonly name: string;
  /** Of the definition, `1.0.0` by default. Instances of different versions are never shared. */
  readonly version?: string;
  /** What it is of, for roll-ups and figures, for example `postgres`. Default `custom`. */
  readonly technology?: string;
  /** The form of the settings. Default: no settings. */
  readonly schema?: Schema;
  /** The settings, unless a registration brings its own. Default: the defaults of the schema. */
  readonly config?: Static<Schema>;
  /** Which settings are not shown by `inspect`. They should be credentials instead. */
  readonly hidden?: readonly (keyof Static<Schema> & string)[];
  /** The credentials it needs, by the name of their slot. */
  readonly credentials?: Slots;
  /** The resources it needs, by the name under which `create` gets them. They are made first, and end last. */
  readonly dependencies?: Needed;
  /**
   * `pooled` (default): one borrower at a time has an instance. `shared`: one instance for all borrowers at once, for clients that
   * carry many calls, like those of HTTP and Redis.
   */
  readonly use?: 'pooled' | 'shared';
  /** Down to which level of the scope instances are kept apart. Default `tenant`. `none` is for what knows no tenants at all. */
  readonly isolation?: ScopeLevel | 'none';
  /** Settings of its pools. */
  readonly pool?: PoolSettings;
  /** How it is watched. Without `check` nothing is. */
  readonly health?: HealthOptions;

  /** Makes an instance. */
  readonly create: (context: CreateContext<Static<Schema>, Slots, Needed>) => Promise<Instance> | Instance;
  /** Ends an instance: exactly once for each that was made. Default: its `Symbol.asyncDispose` or `Symbol.dispose`, if it has one. */
  readonly destroy?: (
    instance: NoInfer<Instance>,
    context: { readonly reason: DestroyReason; readonly signal: AbortSignal },
  ) => Promise<void> | void;
  /** Looks whether an instance works. A throw, or `false`, means that it does not. */
  readonly check?: (
    instance: NoInfer<Instance>,
    context: { readonly signal: AbortSignal },
  ) => Promise<HealthStatus | boolean | void> | HealthStatus | boolean | void;
  /** Tells at a glance, without waiting, that an instance is beyond use. */
  readonly isBroken?: (instance: NoInfer<Instance>) => boolean;
  /** Makes an instance fit for its next borrower. `false` or a throw destroys it. */
  readonly reset?: (
    instance: NoInfer<Instance>,
    context: { readonly signal: AbortSignal },
  ) => Promise<boolean | void> | boolean | void;
  /** What a borrower gets. Default: `{ value: instance }`. It must not use the instance after `assertHeld` throws. */
  readonly expose?: (instance: NoInfer<Instance>, context: ExposeContext) => Face;
  /**
   * Gives a living instance a new credential. `keep`: it uses that from now on. `replace` (default): it serves its borrower, and is
   * then replaced.
   */
  readonly onCredentialRotated?: (
    instance: NoInfer<Instance>,
    context: { readonly slot: string; readonly credential: SlotCredential; readonly signal: AbortSignal },
  ) => Promise<'keep' | 'replace'> | 'keep' | 'replace';
}

/** A definition whose types only its token still knows: what the registry works with. */
export interface ErasedDefinition {
  readonly name: string;
  readonly version: string;
  readonly technology: string;
  readonly schema: TObject;
  readonly config: unknown;
  readonly hidden: readonly string[];
  readonly credentials: CredentialSlots;
  readonly dependencies: Dependencies;
  readonly use: 'pooled' | 'shared';
  readonly isolation: ScopeLevel | 'none';
  readonly pool: PoolSettings;
  readonly health: HealthOptions;
  readonly hasCheck: boolean;
  create(context: ErasedCreateContext): Promise<unknown>;
  destroy(instance: unknown, context: { readonly reason: DestroyReason; readonly signal: AbortSignal }): Promise<void>;
  check(instance: unknown, context: { readonly signal: AbortSignal }): Promise<HealthStatus>;
  isBroken(instance: unknown): boolean;
  readonly reset:
    | ((instance: unknown, context: { readonly signal: AbortSignal }) => Promise<boolean | void> | boolean | void)
    | undefined;
  readonly expose: ((instance: unknown, context: ExposeContext) => object) | undefined;
  onCredentialRotated(
    instance: unknown,
    context: { readonly slot: string; readonly credential: SlotCredential; readonly signal: AbortSignal },
  ): Promise<'keep' | 'replace'>;
}

/** {@link CreateContext} without its types. */
export interface ErasedCreateContext {
  readonly config: unknown;
  readonly credentials: Readonly<Record<string, SlotCredential>>;
  readonly dependencies: Readonly<Record<string, object>>;
  readonly scope: ResourceScope;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly lost: () => void;
}
