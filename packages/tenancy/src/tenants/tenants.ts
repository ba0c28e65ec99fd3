import type { User } from '../users/user.ts';
import type { Tenant, TenantStatus } from './tenant.ts';

/** What {@link Tenants.create} takes. */
export interface NewTenant {
  /** 1 to 255 code points, without control characters. */
  readonly name: string;
  /** 1 to 64 letters, digits, `_` or `-`. Default: a new UUIDv7. */
  readonly id?: string;
  /** The first person. */
  readonly owner: { readonly accountId: string; readonly email: string; readonly name: string };
}

/** What {@link Tenants.list} takes. */
export interface TenantListOptions {
  /** Begin behind the tenant with this id. Default: from the start. */
  readonly afterId?: string;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** Tenants themselves. What has no tenant in the context runs across tenants, and belongs to operators and sign-up only. */
export interface Tenants {
  /**
   * Makes a tenant and its owner in one transaction.
   *
   * @throws `TENANT_INPUT_INVALID` with `details.problems`; `TENANT_EXISTS`
   */
  create(input: NewTenant): Promise<{ readonly tenant: Tenant; readonly owner: User }>;
  /** The context's tenant. @throws `TENANT_REQUIRED`; `TENANT_NOT_FOUND` */
  current(): Promise<Tenant>;
  /**
   * Renames the context's tenant.
   *
   * @throws `TENANT_INPUT_INVALID`, `TENANT_NOT_FOUND`, `TENANT_VERSION_CONFLICT`
   */
  update(patch: { readonly name: string }, expectedVersion?: number): Promise<Tenant>;
  /** Suspends a tenant or lets it in again; for operators. @throws `TENANT_NOT_FOUND` */
  setStatus(id: string, status: TenantStatus): Promise<Tenant>;
  /** Tenants in order of their ids; for operators. */
  list(options?: TenantListOptions): Promise<readonly Tenant[]>;
  /**
   * Tells whether a tenant exists and is active, from a cache as old as `cacheTtlMs` at most. For machines, whose key
   * names a tenant; for people, {@link Tenancy.membership} says more.
   */
  isActive(id: string): Promise<boolean>;
}
