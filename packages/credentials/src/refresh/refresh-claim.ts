import type { StoredCredential, StoredRefresh } from '../storage/stored-credential.ts';

/** The state of a credential that nobody refreshes and nothing went wrong with. The generation goes on. */
export function settledRefresh(refresh: StoredRefresh | undefined): StoredRefresh {
  return { failures: 0, unknownAt: [], generation: refresh?.generation ?? 0 };
}

/** The record, claimed for one attempt. */
export function claimed(record: StoredCredential, holder: string, expiresAt: number): StoredCredential {
  const refresh = record.refresh ?? settledRefresh(undefined);
  return { ...record, refresh: { ...refresh, generation: refresh.generation + 1, claim: { holder, expiresAt } } };
}

/** Whether the record is still claimed by this attempt: if not, somebody else took over, and what this one has is too late. */
export function isHeldBy(record: StoredCredential, holder: string): boolean {
  return record.refresh?.claim?.holder === holder;
}

/** The record without its claim, with what else has changed about refreshing it. */
export function released(record: StoredCredential, change: Partial<StoredRefresh>): StoredCredential {
  const { claim: _, ...refresh } = record.refresh ?? settledRefresh(undefined);
  return { ...record, refresh: { ...refresh, ...change } };
}

const HOUR_MS = 3_600_000;

/** The unknown outcomes of the last hour, and one more. */
export function withUnknown(record: StoredCredential, now: number): readonly number[] {
  return [...(record.refresh?.unknownAt ?? []).filter((at) => now - at < HOUR_MS), now];
}
