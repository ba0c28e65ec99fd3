import { isCodedError } from '@tenon/core';
import { envelopeKeyId, open, seal, type KeyRing } from '@tenon/crypto';
import { credentialError, type CredentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';

/** What an envelope is bound to: moved to another tenant, scope, credential, kind or version, it does not open. */
export interface Binding {
  readonly key: CredentialKey;
  readonly kind: string;
  readonly version: number;
}

const associatedData = ({ key, kind, version }: Binding): readonly [string, ...string[]] => [
  'tenon-credential-1',
  key.tenant,
  key.scope,
  key.id,
  kind,
  String(version),
];

/** Seals material with the first key of the ring. */
export function sealMaterial(
  ring: KeyRing,
  plain: object,
  binding: Binding,
): { readonly envelope: Uint8Array; readonly keyId: string } {
  const bytes = Buffer.from(JSON.stringify(plain), 'utf8');
  try {
    const envelope = seal(ring, bytes, { associatedData: associatedData(binding) });
    return { envelope, keyId: envelopeKeyId(envelope) };
  } finally {
    bytes.fill(0);
  }
}

/** @throws `CREDENTIAL_UNREADABLE` naming the credential, when the envelope was changed or moved, or its key is not in the ring */
export function openMaterial(ring: KeyRing, envelope: Uint8Array, binding: Binding): unknown {
  let bytes: Uint8Array | undefined;
  try {
    bytes = open(ring, envelope, { associatedData: associatedData(binding) });
    return parsed(bytes);
  } catch (error) {
    throw unreadable(binding.key, error);
  } finally {
    bytes?.fill(0);
  }
}

// A parser's own message quotes what it could not read.
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as unknown;
  } catch {
    throw new SyntaxError('what was sealed is not JSON');
  }
}

/**
 * Seals an envelope anew with the first key of the ring, without looking at what is in it.
 *
 * @param version - the version that it becomes. Default: the one it is
 */
export function resealMaterial(
  ring: KeyRing,
  envelope: Uint8Array,
  binding: Binding,
  version: number = binding.version,
): { readonly envelope: Uint8Array; readonly keyId: string } {
  let bytes: Uint8Array | undefined;
  try {
    bytes = open(ring, envelope, { associatedData: associatedData(binding) });
    const sealed = seal(ring, bytes, { associatedData: associatedData({ ...binding, version }) });
    return { envelope: sealed, keyId: envelopeKeyId(sealed) };
  } catch (error) {
    throw unreadable(binding.key, error);
  } finally {
    bytes?.fill(0);
  }
}

/**
 * The failure to open what storage gave.
 *
 * @param why - what is wrong. Default: what the cause tells
 */
export function unreadable({ scope, id }: CredentialKey, cause: unknown, why?: string): CredentialError {
  const { keyId } = isCodedError(cause, 'KEY_UNKNOWN') ? cause.details : {};
  const what =
    why ??
    (keyId === undefined
      ? 'its envelope was changed, belongs to another credential, or its key is another one. Restore it, or store it anew'
      : `it is sealed with the key ${JSON.stringify(keyId)}, which the ring does not hold: add that key behind the others`);
  return credentialError('CREDENTIAL_UNREADABLE', `credential "${id}" in scope "${scope}" cannot be opened: ${what}`, {
    cause,
    details: { id, scope, ...(keyId === undefined ? {} : { keyId }) },
  });
}
