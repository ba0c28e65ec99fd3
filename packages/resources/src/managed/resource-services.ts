import type { Clock, Logger } from '@tenon/core';
import type { CredentialReader, CredentialSlot, SlotCredential } from '../credentials/credential-slots.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { ResourceEventFacts } from '../events/resource-event.ts';
import type { AcquireOptions } from '../pool/pool.ts';
import type { TenantQuotas } from '../quota/tenant-quotas.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import type { ResourceInstruments } from './resource-instruments.ts';

/** What managed resources share. */
export interface ResourceServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly reader: CredentialReader | undefined;
  readonly quotas: TenantQuotas;
  readonly instruments: ResourceInstruments;
  emit(token: ResourceToken, scope: string | undefined, facts: ResourceEventFacts): void;
  /** An instance of something that another resource needs, for as long as it needs it. It counts against no quota. */
  acquireDependency(token: ResourceToken, scope: ResourceScope, options: AcquireOptions): Promise<Dependency>;
  /** Makes the instances of all that rests on a managed resource the last of their kind. */
  invalidateDependents(source: object, why: string): void;
  isRevoked(tenant: string | undefined, slot: CredentialSlot, credential: SlotCredential): boolean;
}

/** An instance of something that another instance needs. */
export interface Dependency {
  /** The managed resource whose it is: only which one matters. */
  readonly source: object;
  readonly borrowed: Borrowed;
}

/** What a borrower has: the face of an instance, and the way to give it back. */
export type Borrowed<Face extends object = object> = Face & {
  /** The lease on the instance. */
  readonly lease: BorrowedLease;
  [Symbol.asyncDispose](): Promise<void>;
  [Symbol.dispose](): void;
};

/** The way to give an instance back. Released once; whatever comes later does nothing. */
export interface BorrowedLease {
  /** Aborts when the lease is taken away. */
  readonly signal: AbortSignal;
  readonly released: boolean;
  /** Whose instance it is, as text. */
  readonly scope: string;
  /** @param outcome - `failed`: the work failed because of the instance, which is then used less */
  release(outcome?: { readonly failed?: boolean }): void;
  /** Marks the instance as unfit: it is not used again. */
  taint(): void;
}
