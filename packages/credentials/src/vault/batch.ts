import { createSemaphore } from '@tenon/core';
import { credentialError, type CredentialError } from '../errors.ts';
import { keyText, type CredentialReference } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';
import type { LoadedCredential } from '../sources/sourced-record.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import type { Validation } from '../validation/validate-credential.ts';
import type { Credential, CredentialInfo } from './credential.ts';
import { deleteChunk, deleteCredential } from './delete.ts';
import { load, lookUp } from './load.ts';
import { measured } from './measured.ts';
import type { Viewer } from './resolve-key.ts';
import { handOutFresh, loadForUse, retrieve, type RetrieveOptions } from './retrieve.ts';
import { runBatch, settleLater, unlessCorrupt, type Place, type Settled, type Work } from './run-batch.ts';
import { storeChunk } from './store-chunk.ts';
import { store, type StoreOptions } from './store.ts';
import type { VaultParts } from './vault-parts.ts';
import { judgeFor, validate } from './validate.ts';

/** What came of one item of a batch. */
export type BatchItem<Value> =
  | { readonly reference: CredentialReference; readonly ok: true; readonly value: Value }
  | { readonly reference: CredentialReference; readonly ok: false; readonly error: CredentialError };

/** What came of a batch: one item for each that was given, in their order. One that fails changes nothing for the others. */
export interface BatchResult<Value> {
  readonly items: readonly BatchItem<Value>[];
  readonly succeeded: number;
  readonly failed: number;
  /**
   * The values alone, in order.
   *
   * @throws `CREDENTIAL_BATCH_FAILED` when any item failed, naming the first 100 of them in `details.errors`
   */
  orThrow(): readonly Value[];
}

/** One credential to store. */
export interface StoreEntry {
  readonly reference: CredentialReference;
  readonly material: CredentialMaterial;
  readonly options?: StoreOptions;
}

const MAX_NAMED = 100;

/** Stores many. Where the storage can take many at once, 100 take two statements. */
export function storeMany(
  parts: VaultParts,
  viewer: Viewer,
  entries: readonly StoreEntry[],
): Promise<BatchResult<CredentialInfo>> {
  const references = entries.map(({ reference }) => reference);
  const entryAt = (index: number): StoreEntry => entries[index] as StoreEntry;
  return batch(parts, viewer, 'store', references, {
    one: (index) => {
      const { reference, material, options } = entryAt(index);
      return store(parts, viewer, reference, material, options);
    },
    // An audit that is required comes before each change, so those are made one by one.
    many: parts.audit.isRequired
      ? undefined
      : (chunk) =>
          storeChunk(
            parts,
            viewer,
            chunk.map(({ index, key }) => ({ ...entryAt(index), key })),
          ),
  });
}

/** Opens many; `undefined` for each that is not there. Those in the cache are not read again. */
export function retrieveMany<Value extends object>(
  parts: VaultParts,
  viewer: Viewer,
  references: readonly CredentialReference[],
  options: Omit<RetrieveOptions<Value>, 'version'> = {},
): Promise<BatchResult<Credential<Value> | undefined>> {
  const sourced = fromSources(parts);
  return batch(parts, viewer, 'retrieve', references, {
    one: (index) => retrieve(parts, viewer, references[index] as CredentialReference, options),
    many: (chunk) =>
      readChunk(parts, chunk, async (key, record) => {
        const found = record ?? (await loadForUse(parts, viewer, key, () => sourced(key)));
        return handOutFresh(parts, viewer, key, found, options);
      }),
  });
}

/** Removes many. @returns for each whether there was one */
export function deleteMany(
  parts: VaultParts,
  viewer: Viewer,
  references: readonly CredentialReference[],
): Promise<BatchResult<boolean>> {
  return batch(parts, viewer, 'delete', references, {
    one: (index) => deleteCredential(parts, viewer, references[index] as CredentialReference),
    many: parts.audit.isRequired ? undefined : (chunk) => deleteChunk(parts, viewer, chunk),
  });
}

/** Judges many without opening them. */
export function validateMany(
  parts: VaultParts,
  viewer: Viewer,
  references: readonly CredentialReference[],
): Promise<BatchResult<Validation>> {
  const sourced = fromSources(parts);
  return batch(parts, viewer, 'validate', references, {
    one: (index) => validate(parts, viewer, references[index] as CredentialReference),
    many: (chunk) =>
      readChunk(parts, chunk, async (key, record) => judgeFor(parts, viewer, key, record ?? (await sourced(key)))),
  });
}

async function batch<Value>(
  parts: VaultParts,
  viewer: Viewer,
  operation: string,
  references: readonly CredentialReference[],
  work: Work<Value>,
): Promise<BatchResult<Value>> {
  const settled = await measured(parts, `${operation}-many`, () =>
    runBatch(parts, viewer, operation, references, work),
  );
  const items = references.map((reference, index): BatchItem<Value> =>
    Object.freeze({ reference: Object.freeze({ ...reference }), ...(settled[index] as Settled<Value>) }),
  );
  return toResult(items, operation);
}

// Sources take one at a time: as many of them run as items of a batch may.
function fromSources({
  sources,
  batchConcurrency,
}: VaultParts): (key: Place['key']) => Promise<LoadedCredential | undefined> {
  if (sources === undefined) return () => Promise.resolve(undefined);
  const atOnce = createSemaphore(batchConcurrency);
  return (key) => atOnce.run(() => sources.get(key));
}

/** Reads those that are not in the cache together, and does something with each. */
async function readChunk<Value>(
  parts: VaultParts,
  chunk: readonly Place[],
  use: (key: Place['key'], record: StoredCredential | undefined) => Promise<Value>,
): Promise<readonly Settled<Value>[]> {
  const cached = chunk.map(({ key }) => lookUp(parts, key));
  const missing = chunk.filter((_, at) => cached[at] === undefined).map(({ key }) => key);
  const places = new Map(missing.map((key, at) => [keyText(key), at]));
  const reading = missing.length === 0 ? Promise.resolve([]) : parts.storage.getMany(missing).catch(unlessCorrupt);
  // Where another reading of the same credential is under way, this one is left alone.
  reading.catch(() => undefined);
  const read = async (key: Place['key']): Promise<StoredCredential | undefined> => {
    const records = await reading;
    return records === undefined ? parts.storage.get(key) : records[places.get(keyText(key)) as number];
  };
  return Promise.all(
    chunk.map(({ key }, at) =>
      settleLater(key, async () => {
        const record = cached[at] ?? (await load(parts, key, () => read(key)));
        return use(key, record);
      }),
    ),
  );
}

function toResult<Value>(items: readonly BatchItem<Value>[], operation: string): BatchResult<Value> {
  const errors = items.flatMap((item) => (item.ok ? [] : [item]));
  const succeeded = items.length - errors.length;
  const failed = errors.length;
  return Object.freeze({
    items: Object.freeze(items),
    succeeded,
    failed,
    orThrow(): readonly Value[] {
      if (failed === 0) return items.flatMap((item) => (item.ok ? [item.value] : []));
      const shown = errors.slice(0, MAX_NAMED).map(({ error: { code, details } }) => ({
        ...(details['id'] === undefined ? {} : { id: details['id'] }),
        ...(details['scope'] === undefined ? {} : { scope: details['scope'] }),
        code,
      }));
      throw credentialError(
        'CREDENTIAL_BATCH_FAILED',
        `${failed} of ${items.length} could not be done (${operation}): see details.errors; the others were`,
        { cause: errors[0]?.error, details: { succeeded, failed, errors: shown } },
      );
    },
  });
}
