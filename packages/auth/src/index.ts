export type { Auth, AuthStatistics, PurgeReport } from './auth.ts';
export type { AuthOptions, TenantMembership, ThrottleOptions } from './options.ts';
export { authErrorCodes } from './errors.ts';
export type { AuthErrorCode } from './errors.ts';
export type { AuthSecurityEvent, AuthSecurityEventType } from './security-event.ts';
export type {
  Account,
  Accounts,
  ChangePasswordInput,
  ClientDetails,
  RegisterInput,
  SignInInput,
} from './accounts/account.ts';
export type { Session, SessionEndReason, Sessions, SignedIn } from './sessions/session.ts';
export type { AccessClaims, PublicSigningKey, PublicSigningKeys } from './tokens/access-claims.ts';
export type { ApiKey, ApiKeyClaims, ApiKeys, NewApiKey } from './api-keys/api-key.ts';
export { apiKeyListing } from './api-keys/api-key-listing.ts';
export { createAuth } from './create-auth.ts';
export { authMigrations } from './migrations.ts';
