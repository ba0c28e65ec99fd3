import { createHash } from 'node:crypto';
import { currentContext, newId, runInContext } from '@tenon/core';
import type { KeyValueStore } from '@tenon/kv';
import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import { assertWanted } from '../storage/assert-wanted.ts';
import { collectPage } from '../storage/collect-page.ts';
import type {
  CredentialStorage,
  StorageCallOptions,
  StoragePage,
  StoragePut,
  StorageQuery,
} from '../storage/credential-storage.ts';
import { decodeRecord, encodeRecord } from '../storage/encode-record.ts';
import { assertRecordSize, maxRecordBytesOf } from '../storage/record-size.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { kvFailure, type KvStep } from './key-value/kv-failure.ts';
import { createOrderedIndex, type OrderedIndex } from './key-value/ordered-index.ts';

/** What {@link keyValueStorage} takes. */
export interface KeyValueStorageOptions {
  /** Where the values are kept, under keys that begin with `credential`. It stays open when the storage is closed. */
  readonly store: KeyValueStore;
  /**
   * Largest record, in bytes of its value, 1,024 to 67,108,864; the store's own limit holds besides. What is larger already stays
   * readable. Default 1,048,576.
   */
  readonly maxRecordBytes?: number;
}

/**
 * Keeps sealed credentials in a key-value store of `@tenon/kv`: Redis, one SQLite file, a table of PostgreSQL. They last, and are shared by
 * processes, as far as the store's values are.
 *
 * Reading and replacing take what `get` and `compareAndSet` of the store take. The store cannot list, so that making and deleting also
 * write a part of the tenant's list.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * const store = createRedisStore({ client: new Redis(url, { lazyConnect: true }) });
 * const vault = credentials().storage(keyValueStorage({ store })).keys(ring).build();
 * ```
 */
export function keyValueStorage(options: KeyValueStorageOptions): CredentialStorage {
  return new ValueStorage(options);
}

// The store's limit for keys, with room for the prefixes of namespaces.
const MAX_KEY_LENGTH = 400;
const MAX_TRIES = 100;

class ValueStorage implements CredentialStorage {
  readonly name = 'key-value';
  readonly isShared = true;
  readonly #store: KeyValueStore;
  readonly #index: OrderedIndex;
  readonly #maxRecordBytes: number;

  constructor({ store, maxRecordBytes }: KeyValueStorageOptions) {
    this.#maxRecordBytes = maxRecordBytesOf('key-value', maxRecordBytes);
    this.#store = store;
    this.#index = createOrderedIndex(store);
  }

  async get(key: CredentialKey, { signal }: StorageCallOptions): Promise<StoredCredential | undefined> {
    const bytes = await this.#run('harmless', key, signal, () => this.#store.get(nameOf(key)));
    return bytes === undefined ? undefined : decodeRecord(textOf(bytes), key);
  }

  async put({ record, expectedRevision }: StoragePut, { signal }: StorageCallOptions): Promise<boolean> {
    const { tenant, scope, id } = record.key;
    const key = { tenant, scope, id };
    // Encoded at once: the caller may go on to change what was given.
    const text = encodeRecord(record);
    assertRecordSize(key, Buffer.byteLength(text) + CLAIM_LENGTH, this.#maxRecordBytes);
    return expectedRevision === 0
      ? this.#create(key, text, signal)
      : this.#replace(key, text, expectedRevision, signal);
  }

  async delete({ tenant, scope, id }: CredentialKey, { signal }: StorageCallOptions): Promise<boolean> {
    const key = { tenant, scope, id };
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const bytes = await this.#run('harmless', key, signal, () => this.#store.get(nameOf(key)));
      if (bytes === undefined) return false;
      if (await this.#change(key, bytes, undefined, signal)) {
        await this.#release(key, claimOf(bytes), signal);
        return true;
      }
    }
    throw conflict(key);
  }

  list(query: StorageQuery, { signal }: StorageCallOptions): Promise<StoragePage> {
    const { tenant, within, after } = query;
    return this.#run('harmless', undefined, signal, () =>
      collectPage(query, this.#index.within(tenant, within, after), ({ scope, id }) =>
        this.get({ tenant, scope, id }, { signal }),
      ),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #create(key: CredentialKey, text: string, signal: AbortSignal): Promise<boolean> {
    const existing = await this.#run('harmless', key, signal, () => this.#store.get(nameOf(key)));
    if (existing !== undefined) return false;
    const claim = newId();
    await this.#run('harmless', key, signal, () => this.#index.claim(key.tenant, key, claim, signal));
    if (await this.#change(key, undefined, valueOf(claim, text), signal)) return true;
    await this.#release(key, claim, signal);
    return false;
  }

  async #replace(key: CredentialKey, text: string, expectedRevision: number, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const bytes = await this.#run('harmless', key, signal, () => this.#store.get(nameOf(key)));
      if (bytes === undefined || decodeRecord(textOf(bytes), key).revision !== expectedRevision) return false;
      if (await this.#change(key, bytes, valueOf(claimOf(bytes), text), signal)) return true;
      // Somebody was faster; it may have been deleted, and made again up to the same revision.
    }
    throw conflict(key);
  }

  #change(
    key: CredentialKey,
    expected: Uint8Array | undefined,
    next: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    return this.#run('change', key, signal, () => this.#store.compareAndSet(nameOf(key), expected, next));
  }

  // The change is made by now: a claim that stays is passed over.
  async #release(key: CredentialKey, claim: string, signal: AbortSignal): Promise<void> {
    await this.#run('harmless', key, signal, () => this.#index.release(key.tenant, key, claim, signal)).catch(
      () => undefined,
    );
  }

  async #run<T>(step: KvStep, key: CredentialKey | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    assertWanted(signal);
    try {
      // Stores that heed a signal heed the context's: here it is the one that this call was given.
      return await runInContext({ ...currentContext(), signal }, work);
    } catch (error) {
      throw kvFailure(error, step, key);
    }
  }
}

/** The name of a record's value. What would be too long is a SHA-256; the record inside says whose it is. */
function nameOf(key: CredentialKey): string {
  const text = keyText(key);
  // No tenant holds a tilde.
  const name = text.length <= MAX_KEY_LENGTH ? text : `~${createHash('sha256').update(text).digest('hex')}`;
  return `credential:${name}`;
}

// A value is the record's claim on its place in the index, a line of its own, and the record.
const CLAIM_LENGTH = 37;

const valueOf = (claim: string, text: string): Uint8Array => new TextEncoder().encode(`${claim}\n${text}`);
const claimOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(0, CLAIM_LENGTH - 1));
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(CLAIM_LENGTH));

function conflict({ id, scope }: CredentialKey): Error {
  return credentialError(
    'CREDENTIAL_STORAGE_UNAVAILABLE',
    `credential "${id}" in scope "${scope}" is changed by others all the time; nothing was changed`,
    { retryable: true, details: { id, scope } },
  );
}
