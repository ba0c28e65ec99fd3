import { currentContext, deadlineAfter, isCodedError, newId, runInContext, toError } from '@tenon/core';
import { credentialError } from '../errors.ts';
import type { CredentialKey, CredentialReference } from '../identity/credential-key.ts';
import { claimed, isHeldBy, released } from '../refresh/refresh-claim.ts';
import { refreshBusy } from '../refresh/refresh-failures.ts';
import { openMaterial } from '../sealing/seal-material.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import type { CredentialInfo } from '../vault/credential.ts';
import { inBounds } from '../vault/in-bounds.ts';
import { listAll } from '../vault/list.ts';
import { noteViolation, resolveKey, scopeViolation, type Viewer } from '../vault/resolve-key.ts';
import { conflict, notFound } from '../vault/store.ts';
import { forget, type VaultParts } from '../vault/vault-parts.ts';
import type { CredentialRotator, RotationReport } from './credential-rotator.ts';
import { changeRecord, rotate } from './rotate.ts';

/** What {@link CredentialVault.rotateNow} is told. */
export interface RotateNowOptions {
  /** `emergency`: the old version ends at once. Default `planned`. */
  readonly reason?: 'planned' | 'emergency';
}

const MAX_TRIES = 20;
const TIMEOUT_MS = 300_000;
const CONCURRENCY = 5;

/** Rotates a credential with the rotator of its kind, by one process at a time. When anything fails the old material stays in use. */
export async function rotateNow(
  parts: VaultParts,
  viewer: Viewer,
  reference: CredentialReference,
  options: RotateNowOptions = {},
): Promise<CredentialInfo> {
  const { key, isVisible } = resolveKey(parts, viewer, reference, 'rotate');
  if (!isVisible) {
    await noteViolation(parts, viewer, key, 'rotate');
    throw scopeViolation(viewer, key);
  }
  const holder = newId();
  const record = await claim(parts, key, holder);
  const rotator = parts.rotators.get(record.kind) as CredentialRotator;
  const deadline = deadlineAfter(TIMEOUT_MS, { clock: parts.clock, name: 'the rotation' });
  try {
    const { version, envelope } = record.current;
    const plain = openMaterial(parts.ring, envelope, { key, kind: record.kind, version });
    const material = plain as Readonly<Record<string, unknown>>;
    const { tenant, scope, id } = key;
    const request = { tenant, scope, id, version, material, signal: deadline.signal };
    const made = await orTimeout(rotator.rotate(request), deadline.signal);
    await orTimeout(rotator.verify?.(made, request) ?? Promise.resolve(), deadline.signal);
    return await rotate(parts, viewer, key, made, { ...options, expectedVersion: version });
  } catch (error) {
    throw isCodedError(error) ? error : failed(key, error);
  } finally {
    deadline.cancel();
    await release(parts, key, holder);
  }
}

function orTimeout<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(toError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function claim(parts: VaultParts, key: CredentialKey, holder: string): Promise<StoredCredential> {
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const record = await parts.storage.get(key);
    if (record === undefined) throw notFound(key);
    if (!parts.rotators.has(record.kind)) throw impossible(key, record.kind);
    const now = parts.clock.now();
    const held = record.refresh?.claim;
    if (held !== undefined && now < held.expiresAt) throw refreshBusy(key, held.expiresAt - now);
    const next = { ...claimed(record, holder, now + TIMEOUT_MS), revision: record.revision + 1 };
    if (await parts.storage.put({ record: next, expectedRevision: record.revision })) return next;
  }
  throw conflict(key);
}

async function release(parts: VaultParts, key: CredentialKey, holder: string): Promise<void> {
  try {
    const record = await parts.storage.get(key);
    // The rotation itself has let go of it when it stored the new material.
    if (record === undefined || !isHeldBy(record, holder)) return;
    await changeRecord(parts, key, (existing) => (isHeldBy(existing, holder) ? released(existing, {}) : existing));
  } catch (error) {
    forget(parts, key);
    parts.logger.warn({ err: toError(error), credentialId: key.id, scope: key.scope }, 'a claim could not be released');
  }
}

/**
 * Rotates everything of the tenant whose policies ask for it by now, five at a time. Everybody may run it at the same time: each
 * credential is rotated once.
 */
export async function rotateDue(parts: VaultParts, signal?: AbortSignal): Promise<RotationReport> {
  const viewer: Viewer = { administrator: { reason: 'rotation that is due' } };
  const now = parts.clock.now();
  const due: CredentialInfo[] = [];
  const manual: { readonly scope: string; readonly id: string }[] = [];
  for await (const info of listAll(parts, viewer, { limit: 1_000 })) {
    if (info.rotateAfter === undefined || info.rotateAfter.getTime() > now) continue;
    if (parts.rotators.has(info.kind)) due.push(info);
    else manual.push({ scope: info.scope, id: info.id });
  }
  let rotated = 0;
  const failures: { readonly scope: string; readonly id: string; readonly code: string }[] = [];
  const { tenant = '' } = currentContext() ?? {};
  const actor = { type: 'system', id: 'credential-rotation' } as const;
  const run = (reference: CredentialReference): Promise<CredentialInfo> =>
    tenant === ''
      ? rotateNow(parts, viewer, reference)
      : runInContext({ tenant, actor }, () => rotateNow(parts, viewer, reference));
  const jobs = due.map(({ scope, id }) => async () => {
    try {
      await run({ scope, id });
      rotated += 1;
    } catch (error) {
      const code = isCodedError(error) ? error.code : 'UNEXPECTED';
      failures.push({ scope, id, code });
      parts.logger.error({ err: toError(error), credentialId: id, scope }, 'a credential that is due was not rotated');
    }
  });
  await inBounds(jobs, CONCURRENCY, () => signal?.aborted === true);
  return Object.freeze({ rotated, failed: Object.freeze(failures), manual: Object.freeze(manual) });
}

function impossible({ id, scope }: CredentialKey, kind: string): Error {
  return credentialError(
    'CREDENTIAL_ROTATION_IMPOSSIBLE',
    `credential "${id}" in scope "${scope}" is of the kind "${kind}", and the vault has no rotator for it: give the builder one with rotator(), or rotate it with material of your own`,
    { details: { id, scope, kind } },
  );
}

function failed({ id, scope }: CredentialKey, cause: unknown): Error {
  return credentialError(
    'CREDENTIAL_ROTATION_FAILED',
    `credential "${id}" in scope "${scope}" could not be rotated; the old one stays in use`,
    { cause: toError(cause), retryable: true, details: { id, scope } },
  );
}
