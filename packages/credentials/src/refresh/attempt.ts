import { newId, toError } from '@tenon/core';
import type { CredentialMaterial } from '../kinds/material.ts';
import { openMaterial } from '../sealing/seal-material.ts';
import { MAX_PREVIOUS, type StoredCredential, type StoredRefresh } from '../storage/stored-credential.ts';
import { toInfo, type CredentialInfo } from '../vault/credential.ts';
import { prepare } from '../vault/store.ts';
import { forget, type VaultParts } from '../vault/vault-parts.ts';
import type { CredentialRefresher, RefreshAnswer } from './credential-refresher.ts';
import { claimed, isHeldBy, released, settledRefresh, withUnknown } from './refresh-claim.ts';
import { reauthorizationRequired, refreshFailed, refreshUnknown } from './refresh-failures.ts';
import type { RefreshSettings } from './refresh-settings.ts';

const MAX_TRIES = 20;
const LONGEST_DELAY_MS = 300_000;
const MAX_UNKNOWN_IN_AN_HOUR = 3;

/** One attempt to refresh, which has its claim. */
export interface Attempt {
  /** What the caller learns: within `timeoutMs`. */
  readonly answered: Promise<CredentialInfo>;
  /** Everything is stored, or given up: never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Claims a credential, and asks its provider. From then on nothing that the caller does ends it: what comes late is stored all the same.
 *
 * @returns `undefined` when somebody else changed the record first
 */
export async function beginAttempt(
  parts: VaultParts,
  settings: RefreshSettings,
  refresher: CredentialRefresher,
  record: StoredCredential,
): Promise<Attempt | undefined> {
  const { clock, storage } = parts;
  const holder = newId();
  const claim = claimed(record, holder, clock.now() + settings.claimTtlMs);
  const held = { ...claim, revision: record.revision + 1 };
  if (!(await storage.put({ record: held, expectedRevision: record.revision }))) return undefined;
  forget(parts, record.key);
  const controller = new AbortController();
  const stopHeartbeat = keepClaim(parts, settings, held, holder);
  const tooLate = clock.schedule(() => controller.abort(), settings.timeoutMs + settings.lateMs);
  const work = ask(parts, refresher, record, controller.signal)
    .then((answer) => apply(parts, settings, refresher, record, holder, answer))
    .finally(() => {
      stopHeartbeat();
      tooLate.cancel();
    });
  return { answered: withTimeout(parts, settings.timeoutMs, work, record), ended: work.then(ignore, ignore) };
}

const ignore = (): void => undefined;

type Answer = RefreshAnswer | { readonly status: 'unknown'; readonly cause: Error } | { readonly status: 'nothing' };

async function ask(
  parts: VaultParts,
  refresher: CredentialRefresher,
  { key, kind, current }: StoredCredential,
  signal: AbortSignal,
): Promise<Answer> {
  const { tenant, scope, id } = key;
  const { version, envelope } = current;
  const material = openMaterial(parts.ring, envelope, { key, kind, version }) as Readonly<Record<string, unknown>>;
  const given = { tenant, scope, id, version, material, signal };
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the provider did not answer')), { once: true });
  });
  try {
    // A refresher that does not heed the signal must not hold the claim for ever.
    return (await Promise.race([refresher.refresh(given), aborted])) ?? { status: 'nothing' };
  } catch (error) {
    return { status: 'unknown', cause: toError(error) };
  }
}

async function apply(
  parts: VaultParts,
  settings: RefreshSettings,
  refresher: CredentialRefresher,
  record: StoredCredential,
  holder: string,
  answer: Answer,
): Promise<CredentialInfo> {
  const { key } = record;
  const end = (change: (existing: StoredCredential) => StoredCredential): Promise<CredentialInfo> =>
    endClaim(parts, record, holder, change);
  const now = parts.clock.now();
  switch (answer.status) {
    case 'refreshed': {
      const info = await end((existing) => withMaterial(parts, settings, existing, answer.material, answer.expiresAt));
      parts.logger.info({ credentialId: key.id, scope: key.scope, version: info.version }, 'credential refreshed');
      return info;
    }
    case 'rejected':
      await end((existing) => released(existing, { reauthorize: 'rejected' }));
      throw reauthorization(parts, record, 'rejected');
    case 'nothing':
      await end((existing) => released(existing, { reauthorize: 'nothing-to-refresh-with' }));
      throw reauthorization(parts, record, 'nothing-to-refresh-with');
    case 'not-applied': {
      const delayMs = Math.max(answer.retryAfterMs ?? 0, delayAfter((record.refresh?.failures ?? 0) + 1));
      await end((existing) => released(existing, failedOnce(existing, now + delayMs)));
      throw refreshFailed(key, delayMs);
    }
    case 'unknown': {
      const info = await end((existing) => afterUnknown(existing, now, refresher.isReplayable === true));
      if (info.needsReauthorization) throw reauthorization(parts, record, 'outcome-unknown');
      throw refreshUnknown(key, answer.cause);
    }
    default:
      return answer satisfies never;
  }
}

/** What becomes of a record of whose refresh nobody knows the end. */
export function afterUnknown(record: StoredCredential, now: number, isReplayable: boolean): StoredCredential {
  const unknownAt = withUnknown(record, now);
  if (!isReplayable || unknownAt.length >= MAX_UNKNOWN_IN_AN_HOUR) {
    return released(record, { reauthorize: 'outcome-unknown', unknownAt });
  }
  return released(record, { ...failedOnce(record, now + delayAfter((record.refresh?.failures ?? 0) + 1)), unknownAt });
}

function failedOnce(record: StoredCredential, notBefore: number): Pick<StoredRefresh, 'failures' | 'notBefore'> {
  return { failures: (record.refresh?.failures ?? 0) + 1, notBefore };
}

// 1, 2, 4, 8 seconds; from the fifth failure in a row, five minutes.
function delayAfter(failures: number): number {
  return failures >= 5 ? LONGEST_DELAY_MS : 1_000 * 2 ** (failures - 1);
}

function withMaterial(
  parts: VaultParts,
  settings: RefreshSettings,
  existing: StoredCredential,
  material: CredentialMaterial,
  expiresAt: Date | undefined,
): StoredCredential {
  const draft = prepare(parts, existing.key, material, expiresAt === undefined ? {} : { expiresAt });
  const next = draft.next(existing);
  const old = { ...existing.current, graceUntil: parts.clock.now() + settings.graceMs };
  return {
    ...next,
    previous: [old, ...existing.previous].slice(0, MAX_PREVIOUS),
    ...(existing.rotatedAt === undefined ? {} : { rotatedAt: existing.rotatedAt }),
    refresh: settledRefresh(existing.refresh),
  };
}

/** Changes the record if it is still claimed by this attempt: what somebody else has done since then stands. */
async function endClaim(
  parts: VaultParts,
  { key }: StoredCredential,
  holder: string,
  change: (existing: StoredCredential) => StoredCredential,
): Promise<CredentialInfo> {
  try {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
      const existing = await parts.storage.get(key);
      if (existing === undefined || !isHeldBy(existing, holder)) {
        parts.logger.warn({ credentialId: key.id, scope: key.scope }, 'a refresh ended after its claim was lost');
        throw refreshUnknown(key);
      }
      const record = { ...change(existing), revision: existing.revision + 1 };
      if (await parts.storage.put({ record, expectedRevision: existing.revision })) return toInfo(record);
    }
    throw refreshUnknown(key);
  } finally {
    forget(parts, key);
  }
}

/** Prolongs a claim until it is told to stop. */
function keepClaim(parts: VaultParts, settings: RefreshSettings, record: StoredCredential, holder: string): () => void {
  const { clock, storage, logger } = parts;
  let stopped = false;
  const beat = async (): Promise<void> => {
    const existing = await storage.get(record.key);
    if (stopped || existing?.refresh?.claim?.holder !== holder) return;
    const claim = { holder, expiresAt: clock.now() + settings.claimTtlMs };
    const next = { ...existing, revision: existing.revision + 1, refresh: { ...existing.refresh, claim } };
    await storage.put({ record: next, expectedRevision: existing.revision });
  };
  const again = (): void => {
    timer = clock.schedule(() => {
      if (stopped) return;
      beat().catch((error: unknown) => logger.warn({ err: toError(error) }, 'a claim could not be prolonged'));
      again();
    }, settings.heartbeatMs);
  };
  let timer = clock.schedule(() => undefined, 0);
  timer.cancel();
  again();
  return () => {
    stopped = true;
    timer.cancel();
  };
}

function withTimeout(
  parts: VaultParts,
  timeoutMs: number,
  work: Promise<CredentialInfo>,
  { key }: StoredCredential,
): Promise<CredentialInfo> {
  return new Promise((resolve, reject) => {
    const timer = parts.clock.schedule(() => reject(refreshUnknown(key)), timeoutMs);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

function reauthorization(
  parts: VaultParts,
  { key }: StoredCredential,
  why: NonNullable<StoredRefresh['reauthorize']>,
): Error {
  parts.logger.warn(
    { securityEvent: 'credential.reauthorization-required', credentialId: key.id, scope: key.scope, why },
    'a credential needs somebody to sign in again',
  );
  return reauthorizationRequired(key, why);
}
