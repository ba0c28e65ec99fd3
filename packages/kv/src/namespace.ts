import { assertKey } from './entry-limits.ts';
import { kvError } from './errors.ts';
import type { KeyValueStore } from './key-value-store.ts';

const PREFIX = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * A store within a store: the same values, under names that begin with `prefix:`. Give each purpose, and each tenant within a
 * purpose, one of its own, and no key of one can ever be a key of another: a prefix holds no colon, so two of them never
 * begin alike.
 *
 * The prefix counts towards the 512 bytes of a key. A namespace inside a namespace lies within its parent, like a folder in a
 * folder: do not also write keys that begin with its name into the parent.
 *
 * Closing a namespace ends that view alone, not the store beneath.
 *
 * @param store - where the values are kept
 * @param prefix - 1 to 64 letters, digits, `_`, `-` or `.`; a tenant id is one
 * @throws `KV_KEY_INVALID` when the prefix is malformed
 * @example
 * ```ts
 * const throttle = namespace(namespace(store, 'sign-in'), tenantId);
 * await throttle.setIfAbsent('ann@example.org', bytes, { ttlMs: 60_000 }); // sign-in:acme:ann@example.org
 * ```
 */
export function namespace(store: KeyValueStore, prefix: string): KeyValueStore {
  if (!PREFIX.test(prefix)) {
    throw kvError('KV_KEY_INVALID', 'the prefix of a namespace is 1 to 64 letters, digits, "_", "-" or "."');
  }
  let closed = false;
  const inside = (key: string): string => {
    if (closed) throw kvError('KV_CLOSED', `the key-value namespace "${prefix}" has been closed`);
    assertKey(key); // an empty key would pass below, hidden by the prefix
    return `${prefix}:${key}`;
  };
  return {
    get: async (key) => store.get(inside(key)),
    set: async (key, value, options) => store.set(inside(key), value, options),
    delete: async (key) => store.delete(inside(key)),
    setIfAbsent: async (key, value, options) => store.setIfAbsent(inside(key), value, options),
    compareAndSet: async (key, expected, next, options) => store.compareAndSet(inside(key), expected, next, options),
    close(): Promise<void> {
      closed = true;
      return Promise.resolve();
    },
  };
}
