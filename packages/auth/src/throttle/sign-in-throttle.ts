import { namespace, type KeyValueStore } from '@tenon/kv';
import { authError } from '../errors.ts';
import type { AuthConfig } from '../resolve-options.ts';
import { addressBlock } from './address-block.ts';
import { blockedForMs, countFailure, counterKey, type LeakyCounterConfig } from './leaky-counter.ts';

/** Whose failures count together. */
export interface ThrottleSubject {
  /** The account, or what was typed as one: it makes no difference whether it exists. */
  readonly account: string;
  readonly ip: string | undefined;
}

/** Slows down who guesses passwords, by account and by address. */
export interface SignInThrottle {
  /** @throws `AUTH_THROTTLED` with `retryAfterMs` while account or address must wait */
  assertFree(subject: ThrottleSubject): Promise<void>;
  /** Counts a failure. @returns how long the next attempt must wait because of it, in milliseconds; 0 when it need not */
  failed(subject: ThrottleSubject): Promise<number>;
  /** Forgets the account's failures, and remembers the address as one of its own. */
  succeeded(subject: ThrottleSubject): Promise<void>;
}

const KNOWN_ADDRESS_TTL_MS = 30 * 86_400_000;

/**
 * Makes the throttle. An address from which the account signed in during the last 30 days has a counter of its own for
 * it: a stranger who fails on purpose locks out strangers, not the owner.
 */
export function createSignInThrottle(store: KeyValueStore, config: AuthConfig): SignInThrottle {
  const kv = namespace(store, 'auth-throttle');
  const { accountFreeAttempts, addressFreeAttempts, ...rest } = config.throttle;
  const perAccount: LeakyCounterConfig = { ...rest, freeAttempts: accountFreeAttempts };
  const perAddress: LeakyCounterConfig = { ...rest, freeAttempts: addressFreeAttempts };

  const keysOf = async ({ account, ip }: ThrottleSubject): Promise<{ account: string; address?: string }> => {
    if (ip === undefined) return { account: counterKey('account', account) };
    const block = addressBlock(ip);
    const known = (await kv.get(counterKey('known', account, block))) !== undefined;
    return {
      account: known ? counterKey('account-at', account, block) : counterKey('account', account),
      address: counterKey('address', block),
    };
  };

  return {
    async assertFree(subject) {
      const { account, address } = await keysOf(subject);
      const nowMs = config.clock.now();
      const waits = [account, ...(address === undefined ? [] : [address])].map((key) => blockedForMs(kv, key, nowMs));
      const retryAfterMs = Math.max(...(await Promise.all(waits)));
      if (retryAfterMs === 0) return;
      throw authError('AUTH_THROTTLED', 'too many failed attempts; wait before the next one', {
        retryable: true,
        retryAfterMs,
        details: { retryAfterMs },
      });
    },
    async failed(subject) {
      const { account, address } = await keysOf(subject);
      const nowMs = config.clock.now();
      const accountMs = await countFailure(kv, account, nowMs, perAccount, config.logger);
      if (address === undefined) return accountMs;
      return Math.max(accountMs, await countFailure(kv, address, nowMs, perAddress, config.logger));
    },
    async succeeded(subject) {
      const { account } = await keysOf(subject);
      await kv.delete(account);
      if (subject.ip === undefined) return;
      const known = counterKey('known', subject.account, addressBlock(subject.ip));
      await kv.set(known, new Uint8Array([1]), { ttlMs: KNOWN_ADDRESS_TTL_MS });
    },
  };
}
