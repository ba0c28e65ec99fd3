import { credentialError, type CredentialError } from '../errors.ts';
import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';
import type { RotationPolicy } from '../rotation/rotation-policy.ts';
import { sealMaterial } from '../sealing/seal-material.ts';
import type { StoragePut } from '../storage/credential-storage.ts';
import { withCredential } from '../storage/guarded-call.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { checkStoreOptions } from './check-store-options.ts';
import { toInfo, type CredentialInfo } from './credential.ts';
import { measured } from './measured.ts';
import { noteViolation, resolveKey, scopeViolation, type Viewer } from './resolve-key.ts';
import { forget, type VaultParts } from './vault-parts.ts';

/** What {@link CredentialVault.store} is told besides the material. */
export interface StoreOptions {
  /**
   * `create`: there must be none. `replace`: there must be one. `upsert`: whatever is there; of two at the same time the last one
   * stays. Default `upsert`.
   */
  readonly mode?: 'create' | 'replace' | 'upsert';
  /** With `replace`: the version that must be there, so that nobody's change is overwritten unseen. */
  readonly expectedVersion?: number;
  /** When the material ends. Default: what the material says itself, such as a certificate; otherwise never. */
  readonly expiresAt?: Date;
  /** At most 50 pairs, names of 1 to 128 characters, values of up to 256. Default: those there were. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Up to 1,024 characters. Default: the one there was. */
  readonly description?: string;
  /** When it should be rotated; at most 10, the first that triggers counts. Default: those there were. */
  readonly policies?: readonly RotationPolicy[];
}

// Each try takes one read and one write; that many collisions in a row mean that something is wrong.
const MAX_TRIES = 20;

/** Stores material under a reference. What was there before is gone: rotate it to keep the old one for a while. */
export async function store(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  material: CredentialMaterial,
  options: StoreOptions = {},
): Promise<CredentialInfo> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'store');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, actionOf(options));
    throw scopeViolation(viewer, key);
  }
  const draft = prepare(parts, key, material, options);
  return measured(parts, 'store', () => recordStore(parts, viewer, key, options, () => write(parts, draft, options)));
}

const actionOf = ({ mode }: StoreOptions) => (mode === 'create' ? 'create' : 'replace');

/** Stores one credential with the records and the log line that belong to it. */
export async function recordStore(
  parts: VaultParts,
  viewer: Viewer,
  key: CredentialKey,
  options: StoreOptions,
  work: () => Promise<CredentialInfo>,
): Promise<CredentialInfo> {
  const subject = { action: actionOf(options), tenant: key.tenant, key, ...administered(viewer) } as const;
  const info = await parts.audit.around(subject, work, ({ version }) => ({ outcome: 'succeeded', version }));
  parts.logger.info(
    { credentialId: key.id, scope: key.scope, kind: info.kind, version: info.version },
    'credential stored',
  );
  return info;
}

/** What an administrator's operations carry in the audit. */
export function administered(viewer: Viewer): { readonly details?: { readonly reason: string } } {
  return viewer.administrator === undefined ? {} : { details: { reason: viewer.administrator.reason } };
}

/** A credential that only lacks its place among the versions there are. */
export interface Draft {
  readonly key: CredentialKey;
  /** The record that comes after the one there is. */
  next(existing: StoredCredential | undefined): StoredCredential;
}

/**
 * Checks options and material, and makes what is needed to store them after whatever is there.
 *
 * @throws `CREDENTIAL_INVALID` and `CREDENTIAL_KIND_UNKNOWN`, naming the credential
 */
export function prepare(
  parts: VaultParts,
  key: CredentialKey,
  material: CredentialMaterial,
  options: StoreOptions,
): Draft {
  checkStoreOptions(options, key);
  const { kind, plain, ownEnd } = read(parts, key, material);
  const expiresAt = (options.expiresAt ?? ownEnd)?.getTime();
  // As they were when they were checked.
  const tags = options.tags && { ...options.tags };
  const policies = options.policies?.map((policy) => ({ ...policy }));
  return {
    key,
    next(existing) {
      const now = parts.clock.now();
      const version = (existing?.current.version ?? 0) + 1;
      const sealed = sealMaterial(parts.ring, plain, { key, kind: kind.name, version });
      const description = options.description ?? existing?.description;
      return {
        key,
        kind: kind.name,
        revision: (existing?.revision ?? 0) + 1,
        current: { version, ...sealed, createdAt: now, ...(expiresAt === undefined ? {} : { expiresAt }) },
        previous: [],
        tags: tags ?? existing?.tags ?? {},
        ...(description === undefined ? {} : { description }),
        policies: policies ?? existing?.policies ?? [],
        createdAt: existing?.createdAt ?? now,
        modifiedAt: now,
      };
    },
  };
}

function read(parts: VaultParts, key: CredentialKey, material: CredentialMaterial) {
  try {
    const { kind, plain } = parts.kinds.read(material);
    // Also when another end is given: a certificate that cannot be read is not stored.
    return { kind, plain, ownEnd: kind.expiresAt(plain) };
  } catch (error) {
    throw withCredential(error as CredentialError, key);
  }
}

/** What to write after what is there. @throws what {@link assertExpected} does, and `CREDENTIAL_EXISTS` */
export function changeAfter(draft: Draft, existing: StoredCredential | undefined, options: StoreOptions): StoragePut {
  if (options.mode === 'create' && existing !== undefined) throw exists(draft.key);
  assertExpected(draft.key, existing, options);
  return { record: draft.next(existing), expectedRevision: existing?.revision ?? 0 };
}

/** Writes after whatever is there, again until nobody was faster. */
export async function write(parts: VaultParts, draft: Draft, options: StoreOptions): Promise<CredentialInfo> {
  const { key } = draft;
  try {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
      const existing = options.mode === 'create' ? undefined : await parts.storage.get(key);
      const change = changeAfter(draft, existing, options);
      if (await parts.storage.put(change)) return toInfo(change.record);
      if (options.mode === 'create') throw exists(key);
      // Somebody was faster: the next round sees what they wrote.
    }
    throw conflict(key);
  } finally {
    // Also after a failure: it may have been written.
    forget(parts, key);
  }
}

/** @throws `CREDENTIAL_NOT_FOUND`, `CREDENTIAL_VERSION_CONFLICT` when what is there is not what the caller expects */
export function assertExpected(
  key: CredentialKey,
  existing: StoredCredential | undefined,
  { mode, expectedVersion }: Pick<StoreOptions, 'mode' | 'expectedVersion'>,
): void {
  if (mode === 'replace' && existing === undefined) throw notFound(key);
  const actual = existing?.current.version ?? 0;
  if (expectedVersion === undefined || expectedVersion === actual) return;
  throw credentialError(
    'CREDENTIAL_VERSION_CONFLICT',
    `credential "${key.id}" in scope "${key.scope}" is at version ${actual}, not ${expectedVersion}: look at it again before you replace it`,
    { details: { id: key.id, scope: key.scope, expected: expectedVersion, actual } },
  );
}

/** The failure of an operation on what is not there, or is not the caller's to know of. */
export function notFound({ id, scope }: CredentialKey): Error {
  return credentialError(
    'CREDENTIAL_NOT_FOUND',
    `there is no credential "${id}" in scope "${scope}": look at both names, or store it first`,
    { details: { id, scope } },
  );
}

/** The failure to create what is there already. */
function exists({ id, scope }: CredentialKey): Error {
  return credentialError(
    'CREDENTIAL_EXISTS',
    `there is a credential "${id}" in scope "${scope}" already: replace it, or take another id`,
    { details: { id, scope } },
  );
}

/** The failure of a change that others were always faster than. */
export function conflict({ id, scope }: CredentialKey): Error {
  return credentialError(
    'CREDENTIAL_CONFLICT',
    `credential "${id}" in scope "${scope}" is changed by others all the time; try again`,
    { retryable: true, details: { id, scope } },
  );
}
