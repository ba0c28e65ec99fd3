import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import { misplaced } from './record-form.ts';
import type { StoredCredential, StoredVersion } from './stored-credential.ts';

// Of the text, not of the envelopes in it. Another number means that another version of this package wrote it.
const FORMAT = 1;

type Encoded<Version extends StoredVersion> = Omit<Version, 'envelope'> & { readonly envelope: string };

/**
 * A record as JSON text, its envelopes in base64. What could not be read again is not written.
 *
 * @throws `CREDENTIAL_STORAGE_FAILED` naming the place, when the record has not the form of one
 */
export function encodeRecord(record: StoredCredential): string {
  assertForm(record);
  return JSON.stringify({
    format: FORMAT,
    ...record,
    current: encodeVersion(record.current),
    previous: record.previous.map(encodeVersion),
  });
}

/**
 * Refuses what no driver could give back as it was, such as a moment that is no number.
 *
 * @throws `CREDENTIAL_STORAGE_FAILED` naming the place
 */
export function assertForm(record: StoredCredential): void {
  const place = misplaced(record);
  if (place === undefined) return;
  const { id, scope } = record.key;
  throw credentialError(
    'CREDENTIAL_STORAGE_FAILED',
    `credential "${id}" in scope "${scope}" cannot be kept: its record is not of the right form at ${place}`,
    { details: { id, scope, place } },
  );
}

/**
 * Reads what {@link encodeRecord} wrote, every field of it checked.
 *
 * @param key - whose record this must be
 * @throws `CREDENTIAL_STORAGE_CORRUPT` naming the credential
 */
export function decodeRecord(text: string, key: CredentialKey): StoredCredential {
  const { format, ...record } = parse(text) ?? {};
  if (format !== FORMAT) throw corrupt(key, 'it is not JSON of this format');
  const place = misplaced(record);
  if (place !== undefined) throw corrupt(key, `it is not of the right form at ${place}`);
  // By the check above, envelopes apart.
  const encoded = record as Omit<StoredCredential, 'current' | 'previous'> & {
    readonly current: Encoded<StoredVersion>;
    readonly previous: readonly Encoded<StoredVersion>[];
  };
  if (keyText(encoded.key) !== keyText(key)) throw corrupt(key, 'it is the record of another credential');
  const decoded = [encoded.current, ...encoded.previous].map(decodeVersion);
  const [current, ...previous] = decoded.filter((version) => version !== undefined);
  if (current === undefined || previous.length !== encoded.previous.length) {
    throw corrupt(key, 'an envelope is not in base64');
  }
  return { ...encoded, current, previous };
}

/** Whose record a text is, as far as it can be told; `undefined` when it cannot. Nothing else of it is checked. */
export function keyOfRecord(text: string): CredentialKey | undefined {
  const key = parse(text)?.['key'];
  if (typeof key !== 'object' || key === null) return undefined;
  const { tenant, scope, id } = key as Readonly<Record<string, unknown>>;
  if (typeof tenant !== 'string' || typeof scope !== 'string' || typeof id !== 'string') return undefined;
  return { tenant, scope, id };
}

/** The failure to make sense of what is kept of a credential. */
export function corrupt({ id, scope }: CredentialKey, why: string): Error {
  return credentialError(
    'CREDENTIAL_STORAGE_CORRUPT',
    `what is stored of credential "${id}" in scope "${scope}" cannot be read: ${why}. Restore it, or delete it and store it anew`,
    { details: { id, scope, reason: why } },
  );
}

// The parser's own message would quote what it could not read.
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

const encodeVersion = (version: StoredVersion): Encoded<StoredVersion> => ({
  ...version,
  envelope: base64Of(version.envelope),
});

const base64Of = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

function decodeVersion(version: Encoded<StoredVersion>): StoredVersion | undefined {
  if (typeof version.envelope !== 'string') return undefined;
  const bytes = Buffer.from(version.envelope, 'base64');
  // The decoder passes over what is not base64.
  if (bytes.toString('base64') !== version.envelope) return undefined;
  return { ...version, envelope: new Uint8Array(bytes) };
}
