import type { CredentialReference } from '../identity/credential-key.ts';
import { toInfo, type CredentialInfo } from './credential.ts';
import { measured } from './measured.ts';
import { noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import { load } from './retrieve.ts';
import type { VaultParts } from './vault-parts.ts';

/** What is known of a credential without opening it. */
export async function inspectCredential(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
): Promise<CredentialInfo | undefined> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'inspect');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'read');
    return undefined;
  }
  const record = await measured(parts, 'inspect', () => load(parts, key));
  return record === undefined ? undefined : toInfo(record);
}
