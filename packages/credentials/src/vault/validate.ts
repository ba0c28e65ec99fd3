import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { validateCredential, type Validation } from '../validation/validate-credential.ts';
import { loadAnywhere, lookUp } from './load.ts';
import { measured } from './measured.ts';
import { noteAdministrator, noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import type { VaultParts } from './vault-parts.ts';

/** Judges a credential without opening it. */
export async function validate(parts: VaultParts, viewer: Viewer, reference: CredentialReference): Promise<Validation> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'validate');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'read');
    return judge(parts, key, undefined);
  }
  return measured(parts, 'validate', async () =>
    judgeFor(parts, viewer, key, lookUp(parts, key) ?? (await loadAnywhere(parts, key))),
  );
}

/** What a viewer is told of a record, or of there being none. */
export async function judgeFor(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  record: StoredCredential | undefined,
): Promise<Validation> {
  await noteAdministrator(parts, viewer, key, 'validate', record);
  return judge(parts, key, record);
}

function judge(
  parts: VaultParts,
  { scope, id }: { readonly scope: string; readonly id: string },
  record: StoredCredential | undefined,
): Validation {
  if (record === undefined) return Object.freeze({ status: 'not-found', scope, id });
  const validation = validateCredential(record, parts.clock.now(), { isKindKnown: parts.kinds.knows(record.kind) });
  const level = validation.status === 'valid' ? 'info' : 'warn';
  parts.logger[level]({ credentialId: id, scope, status: validation.status }, 'credential validated');
  return validation;
}
