export { credentialErrorCodes } from './errors.ts';
export type { CredentialError, CredentialErrorCode } from './errors.ts';
export { credentials } from './vault/credentials.ts';
export type { CredentialsBuilder } from './vault/credentials.ts';
export type { CredentialVault, CredentialView, VaultStatistics } from './vault/credential-vault.ts';
export type { Credential, CredentialInfo, PreviousVersion } from './vault/credential.ts';
export type { StoreOptions } from './vault/store.ts';
export type { RetrieveOptions } from './vault/retrieve.ts';
export type { CredentialFilter, CredentialPage } from './vault/list.ts';
export type { BatchItem, BatchResult, StoreEntry } from './vault/batch.ts';
export type { CredentialKey, CredentialReference } from './identity/credential-key.ts';
export { keyText, parseKeyText } from './identity/credential-key.ts';
export { isCredentialId } from './identity/credential-id.ts';
export { covers, scopeProblem } from './identity/scope.ts';
export { defineKind } from './kinds/define-kind.ts';
export type { AnyKindDefinition, CredentialKind, KindDefinition, SecretInput } from './kinds/define-kind.ts';
export { CredentialMaterial } from './kinds/material.ts';
export {
  apiKey,
  basic,
  bearer,
  builtInKinds,
  certificate,
  database,
  keyPair,
  oauth2,
  signingKey,
} from './kinds/built-in-kinds.ts';
export type { DatabaseLogin, OAuth2Tokens, OAuth2Value } from './kinds/built-in-kinds.ts';
export { rotationRecommended, validateCredential } from './validation/validate-credential.ts';
export type {
  ExpiredCredential,
  InvalidCredential,
  MissingCredential,
  ValidateOptions,
  Validation,
  ValidCredential,
} from './validation/validate-credential.ts';
export type { RotationPolicy } from './rotation/rotation-policy.ts';
export { rotationDue } from './rotation/rotation-due.ts';
export type { RotationDue } from './rotation/rotation-due.ts';
export type { ResealOptions, ResealProgress, ResealReport } from './reseal/reseal.ts';
export type { CredentialRotator, RotationReport, RotationRequest } from './rotation/credential-rotator.ts';
export type { RotateNowOptions } from './rotation/run-rotator.ts';
export type { RollBackOptions, RotateOptions } from './rotation/rotate.ts';
export type {
  CredentialRefresher,
  RefreshAnswer,
  RefreshOptions,
  RefreshRequest,
} from './refresh/credential-refresher.ts';
export type { CacheOptions, CacheStatistics } from './cache/credential-cache.ts';
export type { CacheInvalidation, InvalidationListener } from './cache/invalidation.ts';
export type {
  AuditAction,
  AuditCallOptions,
  AuditOutcome,
  AuditQuery,
  AuditRecord,
  CredentialAudit,
} from './audit/audit-record.ts';
export type { AuditOptions } from './audit/audit-trail.ts';
export { withCredential } from './storage/guarded-call.ts';
export type { RetryOptions } from './storage/guarded-call.ts';
export type { CredentialSource, SourceCallOptions, SourcedCredential } from './sources/credential-source.ts';
export type { MaterialMapping, SecretContent, SourceSecret } from './sources/secret-material.ts';
export type { CredentialOrigin } from './sources/sourced-record.ts';
export type { CommonSourceOptions } from './sources/source-options.ts';
export type {
  CredentialStorage,
  StorageBatch,
  StorageCallOptions,
  StoragePage,
  StoragePut,
  StorageQuery,
  StoredSummary,
  VersionSummary,
} from './storage/credential-storage.ts';
export type { StoredCredential, StoredRefresh, StoredVersion } from './storage/stored-credential.ts';
