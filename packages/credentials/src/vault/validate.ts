import { keyText, type CredentialReference } from '../identity/credential-key.ts';
import { validateCredential, type Validation } from '../validation/validate-credential.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { measured } from './measured.ts';
import { noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import { load } from './retrieve.ts';
import type { VaultParts } from './vault-parts.ts';

/** Judges a credential without opening it. */
export async function validate(parts: VaultParts, viewer: Viewer, reference: CredentialReference): Promise<Validation> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'validate');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'read');
    return judge(parts, key, undefined);
  }
  return measured(parts, 'validate', async () => {
    const record = parts.cache?.peek(keyText(key)) ?? (await load(parts, key));
    return judge(parts, key, record);
  });
}

/** What is to be said of a record, or of there being none. */
export function judge(
  parts: VaultParts,
  { scope, id }: { readonly scope: string; readonly id: string },
  record: StoredCredential | undefined,
): Validation {
  if (record === undefined) return Object.freeze({ status: 'not-found', scope, id });
  const validation = validateCredential(record, parts.clock.now(), { isKindKnown: parts.kinds.knows(record.kind) });
  const level = validation.status === 'valid' ? 'debug' : 'warn';
  parts.logger[level]({ credentialId: id, scope, status: validation.status }, 'credential validated');
  return validation;
}
