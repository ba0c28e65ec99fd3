import type { CredentialStorage, StorageCallOptions } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';

/** One call of a storage. */
export type StorageOperation = 'get' | 'put' | 'delete' | 'list' | 'getMany' | 'putMany' | 'deleteMany';

/** A storage that tells what was asked of it, and does what a test tells it. */
export interface SpiedStorage extends CredentialStorage {
  readonly calls: readonly StorageOperation[];
  readonly mostInFlight: number;
  readonly isClosed: boolean;
  /** What happens before each call from now on: a wait, a failure. */
  before(hook: (operation: StorageOperation, options: StorageCallOptions) => Promise<void> | void): void;
  /** What happens after each call that succeeded, before its answer is given. */
  after(hook: (operation: StorageOperation) => Promise<void> | void): void;
  /** Forgets what was counted. */
  reset(): void;
}

export interface SpyOptions {
  readonly inner?: CredentialStorage;
  readonly name?: string;
  readonly isShared?: boolean;
  /** Takes many at once, as databases do. Default `false`. */
  readonly hasBatches?: boolean;
}

export function spyStorage({
  inner = memoryStorage(),
  name = 'spied',
  isShared = false,
  hasBatches = false,
}: SpyOptions = {}): SpiedStorage {
  let calls: StorageOperation[] = [];
  let inFlight = 0;
  let most = 0;
  let closed = false;
  let before: (operation: StorageOperation, options: StorageCallOptions) => Promise<void> | void = () => undefined;
  let after: (operation: StorageOperation) => Promise<void> | void = () => undefined;
  const spied = async <T>(
    operation: StorageOperation,
    options: StorageCallOptions,
    work: () => Promise<T>,
  ): Promise<T> => {
    calls.push(operation);
    inFlight += 1;
    most = Math.max(most, inFlight);
    try {
      await before(operation, options);
      const answer = await work();
      await after(operation);
      return answer;
    } finally {
      inFlight -= 1;
    }
  };
  const batch: Required<CredentialStorage>['batch'] = {
    get: (keys, options) => spied('getMany', options, () => Promise.all(keys.map((key) => inner.get(key, options)))),
    put: (changes, options) =>
      spied('putMany', options, () => Promise.all(changes.map((change) => inner.put(change, options)))),
    delete: (keys, options) =>
      spied('deleteMany', options, () => Promise.all(keys.map((key) => inner.delete(key, options)))),
  };
  return {
    name,
    isShared,
    get: (key, options) => spied('get', options, () => inner.get(key, options)),
    put: (change, options) => spied('put', options, () => inner.put(change, options)),
    delete: (key, options) => spied('delete', options, () => inner.delete(key, options)),
    list: (query, options) => spied('list', options, () => inner.list(query, options)),
    ...(hasBatches ? { batch } : {}),
    async close() {
      closed = true;
      await inner.close();
    },
    get calls() {
      return calls;
    },
    get mostInFlight() {
      return most;
    },
    get isClosed() {
      return closed;
    },
    before(hook) {
      before = hook;
    },
    after(hook) {
      after = hook;
    },
    reset() {
      calls = [];
      most = 0;
      before = () => undefined;
      after = () => undefined;
    },
  };
}
