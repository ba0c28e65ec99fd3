import type { MemberRecord } from './choosing/member-record.ts';
import type { DestroyReason } from './pool-options.ts';

/** Where an instance is: `checking` is in `validate` or `reset`, `destroying` is for ever. */
export type EntryState = 'idle' | 'borrowed' | 'checking' | 'destroying';

/** An instance and what its pool knows about it. Counts and flags only, so that lending needs no clock. */
export interface Entry<Instance> {
  readonly instance: Instance;
  /** End of its life, on the clock's monotonic scale. */
  readonly expiresAtMs: number;
  state: EntryState;
  /** Set when it is not to be used again: it is destroyed for this reason when it comes back. */
  retired: DestroyReason | undefined;
  /** How often it was lent; also tells one lease of it from the next. */
  uses: number;
  /** `uses` when the sweep last looked, and how often it found no change since. */
  sweptUses: number;
  sweptIdle: number;
  /** Only kept when the pool `stamps`. */
  borrowedAtMs: number;
  lastUsedMs: number;
  /** Which lending of the pool it was, for `lru`. */
  lendingNumber: number;
  /** Of the present lease, once its signal was asked for. */
  controller: AbortController | undefined;
  /** Where it was borrowed, and whether that was reported: only with the watch for leaks. */
  borrower: Error | undefined;
  overdueReported: boolean;
  readonly record: MemberRecord | undefined;
  /** Who waits until it is reset or destroyed. */
  onSettled: (() => void)[] | undefined;
}

/** A fresh entry, not in use yet. */
export function makeEntry<Instance>(
  instance: Instance,
  nowMs: number,
  expiresAtMs: number,
  record: MemberRecord | undefined,
): Entry<Instance> {
  return {
    instance,
    expiresAtMs,
    state: 'checking',
    retired: undefined,
    uses: 0,
    sweptUses: -1,
    sweptIdle: 0,
    borrowedAtMs: nowMs,
    lastUsedMs: nowMs,
    lendingNumber: 0,
    controller: undefined,
    borrower: undefined,
    overdueReported: false,
    record,
    onSettled: undefined,
  };
}

/** Tells those who wait for the end of a reset or a destruction. */
export function settleEntry<Instance>(entry: Entry<Instance>): void {
  const listeners = entry.onSettled;
  if (listeners === undefined) return;
  entry.onSettled = undefined;
  for (const listener of listeners) listener();
}
