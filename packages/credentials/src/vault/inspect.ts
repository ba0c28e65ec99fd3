import type { CredentialReference } from '../identity/credential-key.ts';
import { toInfo, type CredentialInfo } from './credential.ts';
import { loadAnywhere } from './load.ts';
import { measured } from './measured.ts';
import { noteAdministrator, noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
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
  return measured(parts, 'inspect', async () => {
    const record = await loadAnywhere(parts, key);
    await noteAdministrator(parts, viewer, key, 'inspect', record);
    return record === undefined ? undefined : toInfo(record);
  });
}
