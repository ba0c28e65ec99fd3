import type { CredentialReference } from '../identity/credential-key.ts';
import { measured } from './measured.ts';
import { noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import { administered } from './store.ts';
import { forget, type VaultParts } from './vault-parts.ts';

/** Removes a credential and all its versions. @returns whether there was one that the viewer may know of */
export async function deleteCredential(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
): Promise<boolean> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'delete');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'delete');
    return false;
  }
  const deleted = await measured(parts, 'delete', () =>
    parts.audit.around(
      { action: 'delete', tenant: key.tenant, key, ...administered(viewer) },
      async () => {
        try {
          return await parts.storage.delete(key);
        } finally {
          forget(parts, key);
        }
      },
      (existed) => ({ outcome: existed ? 'succeeded' : 'missing' }),
    ),
  );
  if (deleted) parts.logger.info({ credentialId: key.id, scope: key.scope }, 'credential deleted');
  return deleted;
}
