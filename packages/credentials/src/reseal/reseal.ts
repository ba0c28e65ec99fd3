import { setImmediate } from 'node:timers/promises';
import { deepFreeze, isCodedError, toError } from '@tenon/core';
import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import { resealMaterial } from '../sealing/seal-material.ts';
import type { StorageQuery } from '../storage/credential-storage.ts';
import type { StoredCredential, StoredVersion } from '../storage/stored-credential.ts';
import { inBounds } from '../vault/in-bounds.ts';
import { measured } from '../vault/measured.ts';
import { forget, tenantOf, type VaultParts } from '../vault/vault-parts.ts';

/** What {@link CredentialVault.reseal} is told. */
export interface ResealOptions {
  /** Told after each batch. */
  readonly onProgress?: (progress: ResealProgress) => void;
  /** Ends it after the batch at hand. What is done stays done; the next run goes on from there. */
  readonly signal?: AbortSignal;
}

/** How far a run is. */
export interface ResealProgress {
  /** Credentials sealed anew so far. */
  readonly resealed: number;
  /** Those that there were to seal when it began. */
  readonly total: number;
}

/** What came of a run. */
export interface ResealReport extends ResealProgress {
  /** Those that could not be opened, at most 100 of them by name: their key is not in the ring, or they were tampered with. */
  readonly unreadable: readonly { readonly scope: string; readonly id: string }[];
  readonly unreadableCount: number;
  /** The key under which everything else is sealed now. */
  readonly keyId: string;
  /** Whether the signal ended it before everything was looked at. */
  readonly isStopped: boolean;
}

// Small, because what is opened and sealed of one holds everything else in the process up: at 100, reads took twice as long at p99.
const PAGE = 50;
const MAX_NAMED = 100;
const MAX_TRIES = 10;

/**
 * Seals everything of the tenant that is not under the first key of the ring with it, while others read and write. Needs no memory of
 * its own: what is left to do is what is not sealed so, so a run that was killed is simply started again.
 */
export function reseal(parts: VaultParts, options: ResealOptions = {}): Promise<ResealReport> {
  const tenant = tenantOf(parts);
  const [keyId = ''] = parts.ring.ids;
  const subject = { action: 'reseal', tenant, details: { keyId } } as const;
  return measured(parts, 'reseal', () =>
    parts.audit.around(
      subject,
      () => run(parts, { tenant, notSealedWith: keyId, limit: PAGE }, keyId, options),
      ({ resealed, unreadableCount }) => ({ outcome: 'succeeded', details: { resealed, unreadableCount } }),
    ),
  );
}

async function run(
  parts: VaultParts,
  query: StorageQuery,
  keyId: string,
  { onProgress, signal }: ResealOptions,
): Promise<ResealReport> {
  const total = await count(parts, query);
  const unreadable: { readonly scope: string; readonly id: string }[] = [];
  let unreadableCount = 0;
  let resealed = 0;
  let after: StorageQuery['after'];
  let hasMore = true;
  const isStopped = (): boolean => signal?.aborted === true;
  while (hasMore && !isStopped()) {
    const page = await parts.storage.list({ ...query, ...(after === undefined ? {} : { after }) });
    hasMore = page.hasMore;
    const last = page.items.at(-1)?.key;
    if (last !== undefined) after = { scope: last.scope, id: last.id };
    const keys = page.items.map(({ key }) => key);
    const left = parts.hasBatches ? await resealTogether(parts, keys, keyId) : keys;
    resealed += keys.length - left.length;
    const jobs = left.map((key) => async () => {
      const outcome = await resealOne(parts, key, keyId);
      if (outcome === 'resealed') resealed += 1;
      if (outcome !== 'unreadable') return;
      unreadableCount += 1;
      if (unreadable.length < MAX_NAMED) unreadable.push({ scope: key.scope, id: key.id });
    });
    await settled(jobs, parts.batchConcurrency);
    onProgress?.({ resealed, total });
    // On the embedded database nothing here ever waits for the world outside: requests and signals get their turn.
    await setImmediate();
  }
  const report = { resealed, total, unreadable, unreadableCount, keyId, isStopped: hasMore };
  parts.logger.info({ ...report, unreadable: unreadableCount }, 'credentials sealed anew');
  return deepFreeze(report);
}

// Jobs of a batch run together; the first failure is reported when all of them are done.
async function settled(jobs: readonly (() => Promise<void>)[], concurrency: number): Promise<void> {
  const failures: unknown[] = [];
  const guarded = jobs.map((job) => async () => {
    await job().catch((error: unknown) => failures.push(error));
  });
  await inBounds(guarded, concurrency, () => false);
  if (failures.length > 0) throw toError(failures[0]);
}

async function count(parts: VaultParts, query: StorageQuery): Promise<number> {
  let found = 0;
  let next: StorageQuery | undefined = { ...query, limit: 1_000 };
  while (next !== undefined) {
    const { items, hasMore } = await parts.storage.list(next);
    found += items.length;
    const last = items.at(-1)?.key;
    next = hasMore && last !== undefined ? { ...next, after: { scope: last.scope, id: last.id } } : undefined;
  }
  return found;
}

/** Seals many in two statements. @returns those that have to be looked at one by one */
async function resealTogether(
  parts: VaultParts,
  keys: readonly CredentialKey[],
  keyId: string,
): Promise<readonly CredentialKey[]> {
  if (keys.length === 0) return keys;
  const found = await parts.storage.getMany(keys);
  const changes = found.flatMap((existing) => {
    if (existing === undefined || isSealedWith(existing, keyId)) return [];
    try {
      return [{ record: withNewEnvelopes(parts, existing, keyId), expectedRevision: existing.revision }];
    } catch {
      return []; // the look at this one alone says why
    }
  });
  if (changes.length === 0) return keys;
  const written = await parts.storage.putMany(changes);
  const done = new Set(changes.filter((_, at) => written[at] === true).map(({ record }) => keyText(record.key)));
  for (const { record } of changes) forget(parts, record.key);
  return keys.filter((key) => !done.has(keyText(key)));
}

async function resealOne(
  parts: VaultParts,
  key: CredentialKey,
  keyId: string,
): Promise<'resealed' | 'unchanged' | 'unreadable'> {
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const existing = await parts.storage.get(key);
    // Deleted, or written meanwhile: a write seals with the first key.
    if (existing === undefined || isSealedWith(existing, keyId)) return 'unchanged';
    let record: StoredCredential;
    try {
      record = withNewEnvelopes(parts, existing, keyId);
    } catch (error) {
      if (!isCodedError(error, 'CREDENTIAL_UNREADABLE')) throw error;
      parts.logger.error({ err: error, credentialId: key.id, scope: key.scope }, 'a credential cannot be sealed anew');
      return 'unreadable';
    }
    if (await parts.storage.put({ record, expectedRevision: existing.revision })) {
      forget(parts, key);
      return 'resealed';
    }
  }
  throw credentialError('CREDENTIAL_CONFLICT', `${keyText(key)} is changed by others all the time; run it again`, {
    retryable: true,
    details: { id: key.id, scope: key.scope },
  });
}

const isSealedWith = ({ current, previous }: StoredCredential, keyId: string): boolean =>
  [current, ...previous].every((version) => version.keyId === keyId);

function withNewEnvelopes(parts: VaultParts, record: StoredCredential, keyId: string): StoredCredential {
  const { key, kind } = record;
  const renew = (one: StoredVersion): StoredVersion =>
    one.keyId === keyId
      ? one
      : { ...one, ...resealMaterial(parts.ring, one.envelope, { key, kind, version: one.version }) };
  return {
    ...record,
    revision: record.revision + 1,
    current: renew(record.current),
    previous: record.previous.map(renew),
  };
}
