import type { CredentialReference } from '../identity/credential-key.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import type { CredentialInfo } from '../vault/credential.ts';
import { measured } from '../vault/measured.ts';
import { noteViolation, resolveKey, scopeViolation, type Viewer } from '../vault/resolve-key.ts';
import type { VaultParts } from '../vault/vault-parts.ts';
import { refreshBehind } from './create-refreshing.ts';
import { refreshImpossible } from './refresh-failures.ts';

/** Refreshes a credential because somebody asks for it. */
export async function refreshCredential(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
): Promise<CredentialInfo> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'refresh');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'refresh');
    throw scopeViolation(viewer, key);
  }
  const refreshing = parts.refreshing();
  if (refreshing === undefined) throw refreshImpossible(key, 'any');
  return measured(parts, 'refresh', () => refreshing.refresh(key));
}

/**
 * The record to use in the place of one that is about to end: refreshed when it has ended, itself while a refresh that it begins here runs
 * behind.
 */
export async function refreshedForUse(parts: VaultParts, record: StoredCredential): Promise<StoredCredential> {
  const refreshing = parts.refreshing();
  const need = refreshing?.need(record) ?? 'none';
  if (refreshing === undefined || need === 'none') return record;
  if (need === 'soon') {
    refreshBehind(parts, refreshing, record);
    return record;
  }
  await refreshing.refresh(record.key, record.current.version);
  return (await parts.storage.get(record.key)) ?? record;
}

/** Whether a record can be used as it is, without a look at who renews it. */
export function isFreshEnough(parts: VaultParts, record: StoredCredential): boolean {
  return (parts.refreshing()?.need(record) ?? 'none') === 'none';
}
