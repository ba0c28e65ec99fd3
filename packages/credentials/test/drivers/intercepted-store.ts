import type { KeyValueStore } from '@tenon/kv';

/** One call of a store. */
export interface StoreCall {
  readonly operation: 'get' | 'set' | 'delete' | 'setIfAbsent' | 'compareAndSet';
  readonly key: string;
}

/** A store each of whose calls passes through functions: before it is made, and after, with its answer not given yet. */
export function interceptStore(
  inner: KeyValueStore,
  before: (call: StoreCall) => unknown,
  after: (call: StoreCall) => unknown = () => undefined,
): KeyValueStore {
  const through = async <T>(call: StoreCall, work: () => Promise<T>): Promise<T> => {
    await before(call);
    const answer = await work();
    await after(call);
    return answer;
  };
  return {
    get: (key) => through({ operation: 'get', key }, () => inner.get(key)),
    set: (key, ...rest) => through({ operation: 'set', key }, () => inner.set(key, ...rest)),
    delete: (key) => through({ operation: 'delete', key }, () => inner.delete(key)),
    setIfAbsent: (key, ...rest) => through({ operation: 'setIfAbsent', key }, () => inner.setIfAbsent(key, ...rest)),
    compareAndSet: (key, ...rest) =>
      through({ operation: 'compareAndSet', key }, () => inner.compareAndSet(key, ...rest)),
    close: () => inner.close(),
  };
}
