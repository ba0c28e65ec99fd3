/** `suspended` tenants keep their data, and nobody can come in. */
export const tenantStatuses = ['active', 'suspended'] as const;

/** The status of a tenant. */
export type TenantStatus = (typeof tenantStatuses)[number];

/** An organisation with data of its own. */
export interface Tenant {
  /** 1 to 64 letters, digits, `_` or `-`. */
  readonly id: string;
  readonly name: string;
  readonly status: TenantStatus;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** ISO 8601, UTC. */
  readonly updatedAt: string;
  /** Raised by each change. */
  readonly version: number;
}
