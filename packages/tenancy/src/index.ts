export { createTenancy } from './create-tenancy.ts';
export type { Tenancy, OwnedResource } from './tenancy.ts';
export type { TenancyOptions } from './options.ts';
export { tenancyErrorCodes } from './errors.ts';
export type { TenancyErrorCode } from './errors.ts';
export { tenancyMigrations } from './migrations.ts';
export type { TenantAware } from './repository/tenant-aware.ts';
export { tenantStatuses } from './tenants/tenant.ts';
export type { Tenant, TenantStatus } from './tenants/tenant.ts';
export type { NewTenant, TenantListOptions, Tenants } from './tenants/tenants.ts';
export { assertMayAssignRole, roles } from './users/role.ts';
export type { Role } from './users/role.ts';
export { NewUserSchema, UserPatchSchema, UserReplacementSchema, UserSchema, userStatuses } from './users/user.ts';
export type { NewUser, User, UserPatch, UserReplacement, UserStatus } from './users/user.ts';
export { userListing } from './users/user-listing.ts';
export type { CreateUserOptions, UserImportReport, Users } from './users/users.ts';
export type { Membership } from './memberships/membership.ts';
export type { InvitationOptions, Invitations } from './invitations/invitations.ts';
export type {
  CurrentSettings,
  SettingsChange,
  TenantConfig,
  TenantSettingsDefinition,
} from './settings/tenant-config.ts';
export type { Quota, Quotas } from './quotas/quotas.ts';
export { securityEventTypes } from './security-events/security-event.ts';
export type { NewSecurityEvent, SecurityEvent, SecurityEventType } from './security-events/security-event.ts';
export { securityEventListing } from './security-events/security-event-listing.ts';
export type { SecurityEvents } from './security-events/security-events.ts';
export type { SecurityEventRow, TenancyTables, UserRow } from './tables.ts';
export { createTenantRepository } from './repository/tenant-repository.ts';
export type {
  TenantRecord,
  TenantRepository,
  TenantRepositoryOptions,
  WritableFields,
} from './repository/tenant-repository.ts';
export { parseNewUser, parseNewUsers, parseUser, parseUserPatch, parseUserReplacement } from './users/parse-user.ts';
