import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type { CredentialStorage, StoragePage, StorageQuery } from '../storage/credential-storage.ts';
import { comparePlaces, matches } from '../storage/matches.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { toSummary } from '../storage/to-summary.ts';

/**
 * Keeps sealed credentials in the memory of this process: for tests, and for programs that fetch them anew at each start.
 *
 * @example
 * ```ts
 * const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main').build();
 * ```
 */
export function memoryStorage(): CredentialStorage {
  const records = new Map<string, StoredCredential>();

  return {
    name: 'memory',
    isShared: false,
    async get(key: CredentialKey) {
      const record = records.get(keyText(key));
      return record === undefined ? undefined : structuredClone(record);
    },
    async put({ record, expectedRevision }) {
      const text = keyText(record.key);
      if ((records.get(text)?.revision ?? 0) !== expectedRevision) return false;
      records.set(text, structuredClone(record));
      return true;
    },
    delete: async (key: CredentialKey) => records.delete(keyText(key)),
    list: async (query: StorageQuery) => page([...records.values()], query),
    close: () => Promise.resolve(),
  };
}

function page(records: readonly StoredCredential[], query: StorageQuery): StoragePage {
  const { after, limit } = query;
  const found = records
    .filter((record) => matches(record, query))
    .filter(({ key }) => after === undefined || comparePlaces(key, after) > 0)
    .toSorted((left, right) => comparePlaces(left.key, right.key));
  return { items: found.slice(0, limit).map(toSummary), hasMore: found.length > limit };
}
