import { keyText } from '../identity/credential-key.ts';
import { collectPage } from '../storage/collect-page.ts';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import { assertForm } from '../storage/encode-record.ts';
import type { Place } from '../storage/matches.ts';
import { createPlaceList, type PlaceList } from '../storage/place-list.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';

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
  const places = new Map<string, PlaceList>();

  return {
    name: 'memory',
    isShared: false,
    get: async (key) => structuredClone(records.get(keyText(key))),
    async put({ record, expectedRevision }) {
      assertForm(record);
      const { key } = record;
      if ((records.get(keyText(key))?.revision ?? 0) !== expectedRevision) return false;
      records.set(keyText(key), structuredClone(record));
      const list = places.get(key.tenant) ?? createPlaceList();
      places.set(key.tenant, list);
      list.add(key);
      return true;
    },
    async delete(key) {
      places.get(key.tenant)?.delete(key);
      return records.delete(keyText(key));
    },
    async list(query) {
      const candidates = places.get(query.tenant)?.within(query.within, query.after) ?? [];
      const load = async (place: Place) => records.get(keyText({ ...place, tenant: query.tenant }));
      return structuredClone(await collectPage(query, candidates, load));
    },
    close: () => Promise.resolve(),
  };
}
