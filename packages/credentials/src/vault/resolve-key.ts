import type { AuditAction } from '../audit/audit-record.ts';
import { credentialError } from '../errors.ts';
import { assertCredentialId } from '../identity/credential-id.ts';
import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import { assertScope, covers } from '../identity/scope.ts';
import { tenantOf, type VaultParts } from './vault-parts.ts';

/** From where somebody looks at the credentials of a tenant. */
export interface Viewer {
  /** This scope and all below it. Absent: exactly the scope that each operation names. */
  readonly scope?: string;
  /** Every scope, for a reason that is recorded. */
  readonly administrator?: { readonly reason: string };
}

/** A reference as a whole key, and whether the viewer may know of it. */
export interface ResolvedKey {
  readonly key: CredentialKey;
  readonly isVisible: boolean;
}

/**
 * Completes a reference. Nothing is read for it: what lies outside of the viewer's scope is decided by the names alone, so neither
 * the answer nor its time tells whether there is something.
 *
 * @throws `CREDENTIAL_ID_INVALID`, `CREDENTIAL_SCOPE_INVALID`, `CREDENTIAL_SCOPE_REQUIRED`, and what {@link tenantOf} throws
 */
export function resolveKey(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  operation: string,
): ResolvedKey {
  const tenant = tenantOf(parts);
  const { id } = reference;
  assertCredentialId(id);
  const scope = reference.scope ?? viewer.scope ?? parts.defaultScope;
  if (scope === undefined) throw scopeRequired(operation);
  assertScope(scope);
  return { key: { tenant, scope, id }, isVisible: viewer.scope === undefined || covers(viewer.scope, scope) };
}

/** The failure of an operation that names no scope: there is none that means all. */
export function scopeRequired(operation: string): Error {
  return credentialError(
    'CREDENTIAL_SCOPE_REQUIRED',
    `${operation} needs a scope: name one, use a view of one with within(), or give the vault a defaultScope`,
    { details: { operation } },
  );
}

/** Records that somebody reached for what lies outside of the scope they act from. */
export function noteViolation(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  action: AuditAction,
): Promise<void> | undefined {
  parts.logger.warn(
    { securityEvent: 'credential.scope-violation', credentialId: key.id, scope: key.scope, actingFrom: viewer.scope },
    'a credential outside of the scope was asked for',
  );
  const details = { actingFrom: viewer.scope ?? '' };
  return parts.audit.note({ action, tenant: key.tenant, key, details }, { outcome: 'denied' });
}

/** Records what an administrator looked at without opening it: nobody else's looking is recorded. */
export function noteAdministrator(
  parts: VaultParts,
  { administrator }: Viewer,
  key: CredentialKey,
  operation: string,
  record: object | undefined,
): Promise<void> | undefined {
  if (administrator === undefined) return undefined;
  const details = { reason: administrator.reason, operation };
  const outcome = record === undefined ? 'missing' : 'succeeded';
  return parts.audit.note({ action: 'administer', tenant: key.tenant, key, details }, { outcome });
}

/** The failure of a change outside of the viewer's scope. It says nothing of what is there. */
export function scopeViolation(viewer: Viewer, key: CredentialKey): Error {
  return credentialError(
    'CREDENTIAL_SCOPE_VIOLATION',
    `scope "${key.scope}" lies outside of "${viewer.scope ?? ''}", from where this acts: use a view of a scope that covers it`,
    { details: { id: key.id, scope: key.scope, actingFrom: viewer.scope ?? '' } },
  );
}
