/** What every record of a tenant has. A type without it cannot be stored by a {@link TenantRepository}. */
export interface TenantAware {
  readonly tenantId: string;
}
