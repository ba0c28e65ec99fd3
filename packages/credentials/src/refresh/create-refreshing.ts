import {
  createSemaphore,
  createSingleFlight,
  createTaskTracker,
  currentContext,
  runInContext,
  sleep,
  toError,
} from '@tenon/core';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { toInfo, type CredentialInfo } from '../vault/credential.ts';
import { notFound } from '../vault/store.ts';
import { forget, type VaultParts } from '../vault/vault-parts.ts';
import { afterUnknown, beginAttempt } from './attempt.ts';
import type { CredentialRefresher } from './credential-refresher.ts';
import { reauthorizationRequired, refreshBusy, refreshFailed, refreshImpossible } from './refresh-failures.ts';
import type { RefreshSettings } from './refresh-settings.ts';

/** Renews credentials, each by one process at a time. */
export interface Refreshing {
  /**
   * Refreshes a credential. All who ask for the same one at the same time share one refresh, in this process and in others.
   *
   * @param seenVersion - the version that is not good enough: when another is there by now, nothing is done. Default: the one there is
   */
  refresh(key: CredentialKey, seenVersion?: number): Promise<CredentialInfo>;
  /** How urgent a refresh is before a record is used. */
  need(record: StoredCredential): 'none' | 'soon' | 'now';
  /** Waits for what was begun. */
  drain(): Promise<void>;
}

const POLL_MS = 200;

/** Makes the refreshing of one vault. */
export function createRefreshing(parts: VaultParts, settings: RefreshSettings): Refreshing {
  const refreshes = createSingleFlight<string, CredentialInfo>();
  const underWay = createTaskTracker();
  const atOnce = createSemaphore(settings.concurrency);

  const run = async (key: CredentialKey, seenVersion: number | undefined): Promise<CredentialInfo> => {
    const waitUntil = parts.clock.now() + settings.timeoutMs;
    let seen = seenVersion;
    for (;;) {
      const record = await parts.storage.get(key);
      if (record === undefined) throw notFound(key);
      seen ??= record.current.version;
      if (record.current.version !== seen) return toInfo(record);
      const refresher = settings.refreshers.get(record.kind);
      if (refresher === undefined) throw refreshImpossible(key, record.kind);
      const blocked = await lookAtClaim(parts, refresher, record);
      if (blocked === 'changed') continue;
      if (blocked !== undefined) {
        if (parts.clock.now() >= waitUntil) throw refreshBusy(key, blocked.retryAfterMs);
        await sleep(parts.clock, Math.min(POLL_MS, blocked.retryAfterMs));
        continue;
      }
      const attempt = await beginAttempt(parts, settings, refresher, record);
      if (attempt === undefined) continue;
      // It goes on when whoever waits for its answer has waited long enough.
      void underWay.run(() => attempt.ended);
      return attempt.answered;
    }
  };

  return {
    async refresh(key, seenVersion) {
      // Whoever asked first may go away, and the refresh goes on for the others: it has no caller's signal.
      const { actor, requestId } = currentContext() ?? {};
      const context = { tenant: key.tenant, ...(actor && { actor }), ...(requestId !== undefined && { requestId }) };
      const audited = (): Promise<CredentialInfo> =>
        parts.audit.around(
          { action: 'refresh', tenant: key.tenant, key },
          () => run(key, seenVersion),
          (info) => ({ outcome: 'succeeded', version: info.version }),
        );
      return refreshes.run(keyText(key), () => underWay.run(() => runInContext(context, () => atOnce.run(audited))));
    },

    need(record) {
      const { expiresAt } = record.current;
      if (expiresAt === undefined || !settings.refreshers.has(record.kind)) return 'none';
      if (record.refresh?.reauthorize !== undefined) return 'none';
      const left = expiresAt - parts.clock.now();
      return left <= 0 ? 'now' : left <= settings.beforeExpiryMs ? 'soon' : 'none';
    },

    drain: () => underWay.idle(),
  };
}

/**
 * What stands in the way of claiming a record.
 *
 * @returns `undefined` when nothing does; `changed` when the record was changed and has to be read again; or how long to wait at most
 */
async function lookAtClaim(
  parts: VaultParts,
  refresher: CredentialRefresher,
  record: StoredCredential,
): Promise<undefined | 'changed' | { readonly retryAfterMs: number }> {
  const { key, refresh } = record;
  if (refresh === undefined) return undefined;
  if (refresh.reauthorize !== undefined) throw reauthorizationRequired(key, refresh.reauthorize);
  const now = parts.clock.now();
  if (refresh.claim === undefined) {
    const { notBefore = 0 } = refresh;
    if (now < notBefore) throw refreshFailed(key, notBefore - now);
    return undefined;
  }
  if (now < refresh.claim.expiresAt) return { retryAfterMs: refresh.claim.expiresAt - now };
  // Whoever held it died, and may have asked the provider before that.
  const next = { ...afterUnknown(record, now, refresher.isReplayable === true), revision: record.revision + 1 };
  const { notBefore: _, ...withoutDelay } = next.refresh ?? { failures: 0, unknownAt: [], generation: 0 };
  await parts.storage
    .put({ record: { ...next, refresh: withoutDelay }, expectedRevision: record.revision })
    .finally(() => forget(parts, key));
  parts.logger.warn(
    { securityEvent: 'credential.refresh-outcome-unknown', credentialId: key.id, scope: key.scope },
    'a refresh was cut off, and nobody knows whether it was done',
  );
  return 'changed';
}

/** Begins a refresh that nobody waits for. */
export function refreshBehind(parts: VaultParts, refreshing: Refreshing, record: StoredCredential): void {
  refreshing.refresh(record.key, record.current.version).catch((error: unknown) => {
    parts.logger.debug({ err: toError(error), credentialId: record.key.id }, 'a refresh ahead of time failed');
  });
}
