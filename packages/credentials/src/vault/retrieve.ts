import type { AuditEnd } from '../audit/audit-trail.ts';
import { credentialError, type CredentialError } from '../errors.ts';
import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import type { CredentialKind } from '../kinds/define-kind.ts';
import { isFreshEnough, refreshedForUse } from '../refresh/refresh-credential.ts';
import { openMaterial, unreadable } from '../sealing/seal-material.ts';
import type { CredentialOrigin, LoadedCredential } from '../sources/sourced-record.ts';
import { withCredential } from '../storage/guarded-call.ts';
import type { StoredCredential, StoredVersion } from '../storage/stored-credential.ts';
import { toDate, type Credential } from './credential.ts';
import { load, loadAnywhere, lookUp } from './load.ts';
import { counted, measured } from './measured.ts';
import { noteViolation, resolveKey, type Viewer } from './resolve-key.ts';
import { administered } from './store.ts';
import type { VaultParts } from './vault-parts.ts';

/** What {@link CredentialVault.retrieve} is told. */
export interface RetrieveOptions<Value extends object = object> {
  /** What kind it must be; what comes back is typed by it. Default: any. */
  readonly kind?: CredentialKind<Value>;
  /** An earlier version, as long as its grace lasts; only the vault's own storage is asked for it. Default: the current one. */
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
  const cached = lookUp(parts, key);
  if (cached !== undefined && isFreshEnough(parts, cached)) {
    return counted(parts, 'retrieve', () => handOut(parts, viewer, key, cached, options));
  }
  return measured(parts, 'retrieve', async () => {
    const record =
      cached ?? (options.version === undefined ? await loadForUse(parts, viewer, key) : await load(parts, key));
    return handOutFresh(parts, viewer, key, record, options);
  });
}

/** Reads with {@link loadAnywhere}, or with `read`, and records what a source refuses. */
export async function loadForUse(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  read: () => Promise<LoadedCredential | undefined> = () => loadAnywhere(parts, key),
): Promise<LoadedCredential | undefined> {
  try {
    return await read();
  } catch (error) {
    const { code, details } = error as CredentialError;
    const { source } = details ?? {};
    if (source === undefined) throw error;
    const subject = { action: 'read', tenant: key.tenant, key, ...administered(viewer) } as const;
    await parts.audit.note(subject, { outcome: 'failed', details: { code, source } });
    throw error;
  }
}

/** {@link handOut} of a record that is refreshed before, where that is due. */
export async function handOutFresh<Value extends object>(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  record: LoadedCredential | undefined,
  options: RetrieveOptions<Value>,
): Promise<Credential<Value> | undefined> {
  // What a source gave, others refresh.
  const isOurs = record !== undefined && record.origin === undefined;
  const wantsCurrent = options.version === undefined && options.allowExpired !== true;
  const fresh = isOurs && wantsCurrent ? await refreshedForUse(parts, record) : record;
  return handOut(parts, viewer, key, fresh, options);
}

/** Opens a record for a consumer, and records that it was read, or was not there. */
function handOut<Value extends object>(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  record: LoadedCredential | undefined,
  options: RetrieveOptions<Value>,
): Credential<Value> | Promise<Credential<Value> | undefined> | undefined {
  const version = record === undefined ? undefined : versionFor(parts, record, options.version);
  const note = (end: AuditEnd): Promise<void> | undefined => {
    if (!parts.audit.isOn) return undefined;
    const subject = { action: 'read', tenant: key.tenant, key, ...described(viewer, record?.origin) } as const;
    return parts.audit.note(subject, end);
  };
  if (record === undefined || version === undefined) return note({ outcome: 'missing' })?.then(() => undefined);
  let credential: Credential<Value>;
  try {
    credential = project(parts, record, version, options);
  } catch (thrown) {
    const error = withCredential(thrown as CredentialError, key);
    const noted = note(failed(parts, key, version, error));
    if (noted === undefined) throw error;
    return noted.then(() => {
      throw error;
    });
  }
  const noted = note({ outcome: 'succeeded', version: version.version });
  return noted === undefined ? credential : noted.then(() => credential);
}

// What the audit knows of a read besides.
function described(
  viewer: Viewer,
  origin: CredentialOrigin | undefined,
): { readonly details?: Readonly<Record<string, string>> } {
  if (origin === undefined) return administered(viewer);
  return { details: { ...administered(viewer).details, source: origin.source } };
}

function failed(
  { logger }: VaultParts,
  { id, scope }: CredentialKey,
  { version }: StoredVersion,
  error: CredentialError,
): AuditEnd {
  const { code } = error;
  const named = { credentialId: id, scope, version };
  if (code === 'CREDENTIAL_UNREADABLE') {
    logger.error({ securityEvent: 'credential.unreadable', err: error, ...named }, 'a credential could not be opened');
    return { outcome: 'unreadable', version };
  }
  if (code === 'CREDENTIAL_EXPIRED') logger.warn(named, 'a credential that has expired was asked for');
  return { outcome: 'failed', version, details: { code } };
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
  record: LoadedCredential,
  version: StoredVersion,
  { kind: expected, allowExpired = false }: RetrieveOptions<Value>,
): Credential<Value> {
  const { key } = record;
  if (expected !== undefined && expected.definition.name !== record.kind) {
    throw credentialError(
      'CREDENTIAL_KIND_MISMATCH',
      `credential "${key.id}" in scope "${key.scope}" is of the kind "${record.kind}", not "${expected.definition.name}": ask for that kind`,
      { details: { id: key.id, scope: key.scope, kind: record.kind, expected: expected.definition.name } },
    );
  }
  if (!allowExpired && version.expiresAt !== undefined && parts.clock.now() >= version.expiresAt) {
    throw expired(key, version.expiresAt);
  }
  const kind = parts.kinds.get(record.kind);
  const binding = { key: Object.freeze(key), kind: record.kind, version: version.version };
  const plain = openMaterial(parts.ring, version.envelope, binding);
  if (!parts.kinds.fits(kind, plain)) {
    throw unreadable(key, undefined, `what is in it does not have the form of the kind "${record.kind}"`);
  }
  return Object.freeze({
    scope: key.scope,
    id: key.id,
    kind: record.kind,
    version: version.version,
    secret: kind.secret(plain),
    // The kind that was asked for is the one that it is, by the check above.
    value: Object.freeze(kind.value(plain)) as Value,
    expiresAt: toDate(version.expiresAt),
    // The record may stay in the cache: nobody else's copy of it may change.
    tags: Object.freeze(record.tags),
    origin: record.origin,
  });
}

/** The failure of using what has ended. */
function expired({ id, scope }: CredentialKey, atMs: number): CredentialError {
  const when = new Date(atMs).toISOString();
  return credentialError(
    'CREDENTIAL_EXPIRED',
    `credential "${id}" in scope "${scope}" expired on ${when.slice(0, 10)}. Store a new value, or set a rotation policy`,
    { details: { id, scope, expiredAt: when } },
  );
}
