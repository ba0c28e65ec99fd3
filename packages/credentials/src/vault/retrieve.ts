import { Secret } from '@tenon/core';
import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey, type CredentialReference } from '../identity/credential-key.ts';
import type { CredentialKind } from '../kinds/define-kind.ts';
import { isFreshEnough, refreshedForUse } from '../refresh/refresh-credential.ts';
import { openMaterial, unreadable } from '../sealing/seal-material.ts';
import type { StoredCredential, StoredVersion } from '../storage/stored-credential.ts';
import { toDate, type Credential } from './credential.ts';
import { measured } from './measured.ts';
import { noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import { administered } from './store.ts';
import type { VaultParts } from './vault-parts.ts';

/** What {@link CredentialVault.retrieve} is told. */
export interface RetrieveOptions<Value extends object = object> {
  /** What kind it must be; what comes back is typed by it. Default: any. */
  readonly kind?: CredentialKind<Value>;
  /** An earlier version, as long as its grace lasts. Default: the current one. */
  readonly version?: number;
  /** Gives it although it has expired. Default `false`: that is an error. */
  readonly allowExpired?: boolean;
}

/** Opens a credential; `undefined` when there is none, or none that the viewer may know of. */
export async function retrieve<Value extends object>(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  options: RetrieveOptions<Value> = {},
): Promise<Credential<Value> | undefined> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'retrieve');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'read');
    return undefined;
  }
  const cached = parts.cache?.peek(keyText(key));
  if (cached !== undefined && isFreshEnough(parts, cached)) return handOut(parts, viewer, cached, options);
  return measured(parts, 'retrieve', async () => {
    const record = cached ?? (await load(parts, key));
    if (record !== undefined) {
      const wantsCurrent = options.version === undefined && options.allowExpired !== true;
      return handOut(parts, viewer, wantsCurrent ? await refreshedForUse(parts, record) : record, options);
    }
    await parts.audit.note(
      { action: 'read', tenant: key.tenant, key, ...administered(viewer) },
      { outcome: 'missing' },
    );
    return undefined;
  });
}

/** A record from the cache or from storage. */
export function load(parts: VaultParts, key: CredentialKey): Promise<StoredCredential | undefined> {
  const { cache, storage } = parts;
  return cache === undefined ? storage.get(key) : cache.load(keyText(key), () => storage.get(key));
}

/** Opens a record for a consumer, and records that it was read. */
export function handOut<Value extends object>(
  parts: VaultParts,
  viewer: Viewer,
  record: StoredCredential,
  options: RetrieveOptions<Value>,
): Credential<Value> | Promise<Credential<Value> | undefined> | undefined {
  const { key } = record;
  const subject = { action: 'read', tenant: key.tenant, key, ...administered(viewer) } as const;
  const version = versionFor(parts, record, options.version);
  if (version === undefined) {
    const noted = parts.audit.note(subject, { outcome: 'missing' });
    return noted?.then(() => undefined);
  }
  let credential: Credential<Value>;
  try {
    credential = project(parts, record, version, options);
  } catch (error) {
    const noted = parts.audit.note(subject, { outcome: 'unreadable', version: version.version });
    if (noted === undefined) throw error;
    return noted.then(() => {
      throw error;
    });
  }
  const noted = parts.audit.note(subject, { outcome: 'succeeded', version: version.version });
  return noted === undefined ? credential : noted.then(() => credential);
}

function versionFor(
  parts: VaultParts,
  record: StoredCredential,
  wanted: number | undefined,
): StoredVersion | undefined {
  if (wanted === undefined || wanted === record.current.version) return record.current;
  const now = parts.clock.now();
  return record.previous.find(
    ({ version, graceUntil }) => version === wanted && graceUntil !== undefined && now < graceUntil,
  );
}

function project<Value extends object>(
  parts: VaultParts,
  record: StoredCredential,
  version: StoredVersion,
  { kind: expected, allowExpired = false }: RetrieveOptions<Value>,
): Credential<Value> {
  const { key } = record;
  if (expected !== undefined && expected.definition.name !== record.kind) {
    throw credentialError(
      'CREDENTIAL_KIND_MISMATCH',
      `credential "${key.id}" in scope "${key.scope}" is of the kind "${record.kind}", not "${expected.definition.name}"`,
      { details: { id: key.id, scope: key.scope, kind: record.kind, expected: expected.definition.name } },
    );
  }
  if (!allowExpired && version.expiresAt !== undefined && parts.clock.now() >= version.expiresAt) {
    throw expired(key, version.expiresAt);
  }
  const kind = parts.kinds.get(record.kind);
  const plain = openMaterial(parts.ring, version.envelope, { key, kind: record.kind, version: version.version });
  if (!parts.kinds.fits(kind, plain)) throw unreadable(key, undefined);
  return Object.freeze({
    scope: key.scope,
    id: key.id,
    kind: record.kind,
    version: version.version,
    secret: new Secret(kind.secret(plain)),
    // The kind that was asked for is the one that it is, by the check above.
    value: Object.freeze(kind.value(plain)) as Value,
    expiresAt: toDate(version.expiresAt),
    tags: record.tags,
  });
}

/** The failure of using what has ended. */
export function expired({ id, scope }: CredentialKey, atMs: number): Error {
  const when = new Date(atMs).toISOString();
  return credentialError(
    'CREDENTIAL_EXPIRED',
    `credential "${id}" in scope "${scope}" expired on ${when.slice(0, 10)}. Store a new value, or set a rotation policy`,
    { details: { id, scope, expiredAt: when } },
  );
}
