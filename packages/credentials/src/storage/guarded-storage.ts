import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type {
  CredentialStorage,
  StorageCallOptions,
  StoragePage,
  StoragePut,
  StorageQuery,
} from './credential-storage.ts';
import { guardedCall, placeOf, type GuardOptions } from './guarded-call.ts';
import type { StoredCredential } from './stored-credential.ts';

/** A storage that answers in time and whose every failure is a coded one. */
export interface GuardedStorage {
  get(key: CredentialKey): Promise<StoredCredential | undefined>;
  put(change: StoragePut): Promise<boolean>;
  delete(key: CredentialKey): Promise<boolean>;
  list(query: StorageQuery): Promise<StoragePage>;
  getMany(keys: readonly CredentialKey[]): Promise<readonly (StoredCredential | undefined)[]>;
  putMany(changes: readonly StoragePut[]): Promise<readonly boolean[]>;
  deleteMany(keys: readonly CredentialKey[]): Promise<readonly boolean[]>;
}

/** Puts one deadline, retries where they are safe, and the classification of failures around a storage. */
export function guardStorage(storage: CredentialStorage, options: GuardOptions): GuardedStorage {
  const run = <T>(
    kind: 'read' | 'write',
    key: CredentialKey | undefined,
    call: (given: StorageCallOptions) => Promise<T>,
  ): Promise<T> => guardedCall(options, { role: 'storage', name: storage.name, kind, key, call });

  const { batch } = storage;
  const noBatch = (): never => {
    throw credentialError('CREDENTIAL_STORAGE_FAILED', `the storage "${storage.name}" has no batches`);
  };
  return {
    get: (key) => run('read', key, async (given) => asAsked(storage.name, key, await storage.get(key, given))),
    put: (change) => run('write', change.record.key, (given) => storage.put(change, given)),
    delete: (key) => run('write', key, (given) => storage.delete(key, given)),
    list: (query) => run('read', undefined, (given) => storage.list(query, given)),
    getMany: (keys) =>
      batch === undefined
        ? noBatch()
        : run('read', undefined, async (given) => {
            const records = await batch.get(keys, given);
            return keys.map((key, at) => asAsked(storage.name, key, records[at]));
          }),
    putMany: (changes) =>
      batch === undefined ? noBatch() : run('write', undefined, (given) => batch.put(changes, given)),
    deleteMany: (keys) =>
      batch === undefined ? noBatch() : run('write', undefined, (given) => batch.delete(keys, given)),
  };
}

// A record in the place of another, in a file that was copied for example, would open, and be handed out as what it is not.
function asAsked(
  storage: string,
  key: CredentialKey,
  record: StoredCredential | undefined,
): StoredCredential | undefined {
  if (record === undefined || keyText(record.key) === keyText(key)) return record;
  throw credentialError(
    'CREDENTIAL_STORAGE_CORRUPT',
    `the storage "${storage}" holds another credential in the place of "${key.id}" in scope "${key.scope}": restore it, or delete it and store it anew`,
    { details: placeOf(key) },
  );
}
