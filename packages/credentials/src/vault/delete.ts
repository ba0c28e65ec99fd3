import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import { measured } from './measured.ts';
import { noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import { settleLater, type Place, type Settled } from './run-batch.ts';
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
  return measured(parts, 'delete', () =>
    recordDelete(parts, viewer, key, async () => {
      try {
        return await parts.storage.delete(key);
      } finally {
        forget(parts, key);
      }
    }),
  );
}

/** Removes up to 100 at once. @returns for each whether there was one */
export function deleteChunk(
  parts: VaultParts,
  viewer: Viewer,
  chunk: readonly Place[],
): Promise<readonly Settled<boolean>[]> {
  const keys = chunk.map(({ key }) => key);
  const deleting = parts.storage.deleteMany(keys).finally(() => {
    for (const key of keys) forget(parts, key);
  });
  // Each key hears of it by itself, a moment later.
  deleting.catch(() => undefined);
  return Promise.all(
    keys.map((key, at) =>
      settleLater(key, () => recordDelete(parts, viewer, key, async () => (await deleting)[at] === true)),
    ),
  );
}

async function recordDelete(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  work: () => Promise<boolean>,
): Promise<boolean> {
  const subject = { action: 'delete', tenant: key.tenant, key, ...administered(viewer) } as const;
  const deleted = await parts.audit.around(subject, work, (existed) => ({
    outcome: existed ? 'succeeded' : 'missing',
  }));
  if (deleted) parts.logger.info({ credentialId: key.id, scope: key.scope }, 'credential deleted');
  return deleted;
}
