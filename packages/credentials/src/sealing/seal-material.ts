import { isCodedError } from '@tenon/core';
import { envelopeKeyId, open, seal, type KeyRing } from '@tenon/crypto';
import { credentialError, type CredentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';

/** What an envelope is bound to: moved to another tenant, scope, credential, kind or version, it does not open. */
export interface Binding {
  readonly key: CredentialKey;
  readonly kind: string;
  readonly version: number;
}

// None of the parts can hold "|", so that no two bindings give the same text.
const associatedData = ({ key, kind, version }: Binding): string =>
  `tenon-credential-1|${keyText(key)}|${kind}|${version}`;

// Of records in a cache, which are opened again and again.
const known = new WeakMap<CredentialKey, { readonly kind: string; readonly version: number; readonly text: string }>();

function knownAssociatedData(binding: Binding): string {
  const found = known.get(binding.key);
  if (found !== undefined && found.version === binding.version && found.kind === binding.kind) return found.text;
  const text = associatedData(binding);
  // A key that can change would be bound to what it was.
  if (Object.isFrozen(binding.key)) known.set(binding.key, { kind: binding.kind, version: binding.version, text });
  return text;
}

/** Seals material with the first key of the ring. */
export function sealMaterial(
  ring: KeyRing,
  plain: object,
  binding: Binding,
): { readonly envelope: Uint8Array; readonly keyId: string } {
  const bytes = Buffer.from(JSON.stringify(plain), 'utf8');
  try {
    const envelope = alone(seal(ring, bytes, { associatedData: associatedData(binding) }));
    return { envelope, keyId: envelopeKeyId(envelope) };
  } finally {
    bytes.fill(0);
  }
}

/** @throws `CREDENTIAL_UNREADABLE` naming the credential, when the envelope was changed or moved, or its key is not in the ring */
export function openMaterial(ring: KeyRing, envelope: Uint8Array, binding: Binding): unknown {
  let bytes: Uint8Array | undefined;
  try {
    bytes = open(ring, envelope, { associatedData: knownAssociatedData(binding) });
    return parsed(bytes);
  } catch (error) {
    throw unreadable(binding.key, error);
  } finally {
    bytes?.fill(0);
  }
}

/**
 * Bytes in memory of their own. A small Buffer is a part of a pool of many kilobytes, all of which is kept, and copied, with it.
 */
export function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

// A parser's own message quotes what it could not read.
function parsed(bytes: Uint8Array): unknown {
  try {
    const { buffer, byteOffset, byteLength } = bytes;
    const text = Buffer.isBuffer(bytes) ? bytes : Buffer.from(buffer, byteOffset, byteLength);
    return JSON.parse(text.toString('utf8')) as unknown;
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
    const sealed = alone(seal(ring, bytes, { associatedData: associatedData({ ...binding, version }) }));
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
