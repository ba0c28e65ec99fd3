import { credentialError } from '../errors.ts';
import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';
import { resealMaterial } from '../sealing/seal-material.ts';
import { MAX_PREVIOUS, type StoredCredential, type StoredVersion } from '../storage/stored-credential.ts';
import { toInfo, type CredentialInfo } from '../vault/credential.ts';
import { measured } from '../vault/measured.ts';
import { noteViolation, resolveKey, scopeViolation, type Viewer } from '../vault/resolve-key.ts';
import { administered, assertExpected, conflict, notFound, prepare } from '../vault/store.ts';
import { forget, type VaultParts } from '../vault/vault-parts.ts';
import { settledRefresh } from '../refresh/refresh-claim.ts';
import { rotationDue } from './rotation-due.ts';

/** What {@link CredentialVault.rotate} is told. */
export interface RotateOptions {
  /** The version that must be there. Default: any. */
  readonly expectedVersion?: number;
  /** When the new material ends. Default: what it says itself. */
  readonly expiresAt?: Date;
  /**
   * How long the old version is still handed out to who asks for it, in milliseconds, from 0. Default: what the credential's policies say,
   * otherwise 86,400,000 (a day).
   */
  readonly graceMs?: number;
  /** `emergency`: the old version ends at once, whatever grace there was. Default `planned`. */
  readonly reason?: 'planned' | 'emergency';
  /**
   * Tries the new material out before anything is stored: rejects when it does not work, and the old one stays as it is.
   */
  readonly verify?: (material: CredentialMaterial) => Promise<void>;
}

const DEFAULT_GRACE_MS = 86_400_000;
const MAX_TRIES = 20;

/** Puts new material in the place of the old, which stays readable for its grace. */
export async function rotate(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  material: CredentialMaterial,
  options: RotateOptions = {},
): Promise<CredentialInfo> {
  const key = await keyToChange(parts, viewer, reference, 'rotate');
  const { graceMs } = options;
  if (graceMs !== undefined && !(Number.isFinite(graceMs) && graceMs >= 0)) {
    throw credentialError('CREDENTIAL_INVALID', 'graceMs must be a number of milliseconds from 0');
  }
  const draft = prepare(parts, key, material, options.expiresAt === undefined ? {} : { expiresAt: options.expiresAt });
  await options.verify?.(material);
  const details = { reason: options.reason ?? 'planned', ...administered(viewer).details };
  const info = await measured(parts, 'rotate', () =>
    parts.audit.around(
      { action: 'rotate', tenant: key.tenant, key, details },
      () =>
        changeRecord(parts, key, (existing) => {
          assertExpected(key, existing, { mode: 'replace', ...pick(options.expectedVersion) });
          const { current } = draft.next(existing);
          const now = parts.clock.now();
          return {
            ...existing,
            current,
            previous: withOld(existing, now, options),
            kind: material.kind,
            modifiedAt: now,
            rotatedAt: now,
            ...(existing.refresh === undefined ? {} : { refresh: settledRefresh(existing.refresh) }),
          };
        }),
      (rotated) => ({ outcome: 'succeeded', version: rotated.version }),
    ),
  );
  parts.logger.info(
    { credentialId: key.id, scope: key.scope, version: info.version, ...details },
    'credential rotated',
  );
  return info;
}

const pick = (expectedVersion: number | undefined) => (expectedVersion === undefined ? {} : { expectedVersion });

function withOld(existing: StoredCredential, now: number, options: RotateOptions): readonly StoredVersion[] {
  const emergency = options.reason === 'emergency';
  const graceMs = options.graceMs ?? rotationDue(existing)?.policy.graceMs ?? policyGrace(existing) ?? DEFAULT_GRACE_MS;
  const old: StoredVersion = { ...existing.current, graceUntil: now + graceMs };
  const all = [old, ...existing.previous].slice(0, MAX_PREVIOUS);
  return emergency ? all.map(withoutGrace) : all;
}

const policyGrace = ({ policies }: StoredCredential): number | undefined =>
  policies.find(({ graceMs }) => graceMs !== undefined)?.graceMs;

function withoutGrace(version: StoredVersion): StoredVersion {
  const { graceUntil: _, ...rest } = version;
  return rest;
}

/** Ends the grace of all earlier versions at once. */
export async function revokePrevious(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
): Promise<CredentialInfo> {
  const key = await keyToChange(parts, viewer, reference, 'revoke');
  return measured(parts, 'revoke', () =>
    parts.audit.around(
      { action: 'revoke', tenant: key.tenant, key, ...administered(viewer) },
      () =>
        changeRecord(parts, key, (existing) => ({
          ...existing,
          previous: existing.previous.map(withoutGrace),
          modifiedAt: parts.clock.now(),
        })),
      (revoked) => ({ outcome: 'succeeded', version: revoked.version }),
    ),
  );
}

/** What {@link CredentialVault.rollBack} is told. */
export interface RollBackOptions {
  /** The version to go back to. Default: the one before the current. */
  readonly toVersion?: number;
}

/** Makes an earlier version the current one again, under a new number; what was current becomes history without grace. */
export async function rollBack(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  options: RollBackOptions = {},
): Promise<CredentialInfo> {
  const key = await keyToChange(parts, viewer, reference, 'roll back');
  return measured(parts, 'roll-back', () =>
    parts.audit.around(
      { action: 'roll-back', tenant: key.tenant, key, ...administered(viewer) },
      () => changeRecord(parts, key, (existing) => rolledBack(parts, existing, options.toVersion)),
      (restored) => ({ outcome: 'succeeded', version: restored.version }),
    ),
  );
}

function rolledBack(parts: VaultParts, existing: StoredCredential, wanted: number | undefined): StoredCredential {
  const { key, kind, current, previous } = existing;
  const target = previous.find(({ version }) => wanted === undefined || version === wanted);
  if (target === undefined) {
    throw credentialError(
      'CREDENTIAL_VERSION_CONFLICT',
      `credential "${key.id}" in scope "${key.scope}" has no ${wanted === undefined ? 'earlier version' : `version ${wanted}`} to go back to`,
      { details: { id: key.id, scope: key.scope, versions: previous.map(({ version }) => version) } },
    );
  }
  const now = parts.clock.now();
  const version = current.version + 1;
  const moved = resealMaterial(parts.ring, target.envelope, { key, kind, version: target.version }, version);
  const { graceUntil: _, envelope: __, keyId: ___, ...rest } = target;
  return {
    ...existing,
    current: { ...rest, ...moved, version, createdAt: now },
    previous: [withoutGrace(current), ...previous.filter((one) => one !== target)].slice(0, MAX_PREVIOUS),
    modifiedAt: now,
    rotatedAt: now,
  };
}

async function keyToChange(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  operation: 'rotate' | 'revoke' | 'roll back',
): Promise<CredentialKey> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, operation);
  if (isVisible) return key;
  await noteViolation(parts, viewer, key, operation === 'roll back' ? 'roll-back' : operation);
  throw scopeViolation(viewer, key);
}

/** Changes a record that is there, again until nobody was faster. */
export async function changeRecord(
  parts: VaultParts,
  key: CredentialKey,
  change: (existing: StoredCredential) => StoredCredential,
): Promise<CredentialInfo> {
  try {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
      const existing = await parts.storage.get(key);
      if (existing === undefined) throw notFound(key);
      const record = { ...change(existing), revision: existing.revision + 1 };
      if (await parts.storage.put({ record, expectedRevision: existing.revision })) return toInfo(record);
    }
    throw conflict(key);
  } finally {
    forget(parts, key);
  }
}
