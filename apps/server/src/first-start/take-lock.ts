import { randomBytes } from 'node:crypto';
import type { KeyValueStore } from '@tenon/kv';

const LOCK_MS = 3_000;
const RENEW_MS = 1_000;

/** A lock that somebody holds. */
export interface HeldLock {
  /** Lets the next one take it. */
  release(): Promise<void>;
}

/**
 * Takes a lock that all processes of one key-value store share. Its holder keeps it alive for as long as the work takes, and a
 * holder that is killed loses it within three seconds.
 *
 * @returns undefined while somebody else holds it
 */
export async function takeLock(kv: KeyValueStore, name: string): Promise<HeldLock | undefined> {
  const mine = randomBytes(16);
  if (!(await kv.setIfAbsent(name, mine, { ttlMs: LOCK_MS }))) return undefined;
  const timer = setInterval(() => {
    // A renewal that fails is tried again by the next one.
    kv.compareAndSet(name, mine, mine, { ttlMs: LOCK_MS }).catch(() => undefined);
  }, RENEW_MS);
  return {
    async release(): Promise<void> {
      clearInterval(timer);
      await kv.compareAndSet(name, mine, undefined);
    },
  };
}
