import { currentContext } from '@tenon/core';
import { credentialError, type CredentialError } from '../errors.ts';
import { keyText, type CredentialKey, type CredentialReference } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import type { Validation } from '../validation/validate-credential.ts';
import { inBounds } from './in-bounds.ts';
import { toInfo, type Credential, type CredentialInfo } from './credential.ts';
import { deleteCredential } from './delete.ts';
import { resolveKey, type Viewer } from './resolve-key.ts';
import { handOut, retrieve, type RetrieveOptions } from './retrieve.ts';
import { checkStoreOptions } from './check-store-options.ts';
import { administered, assertExpected, exists, prepare, store, type Draft, type StoreOptions } from './store.ts';
import { forget, type VaultParts } from './vault-parts.ts';
import { judge, validate } from './validate.ts';

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
   * @throws `CREDENTIAL_BATCH_FAILED` when any item failed, naming them in `details.errors`
   */
  orThrow(): readonly Value[];
}

/** One credential to store. */
export interface StoreEntry {
  readonly reference: CredentialReference;
  readonly material: CredentialMaterial;
  readonly options?: StoreOptions;
}

const MAX_ITEMS = 10_000;
/** As many as a driver takes at once. */
const CHUNK = 100;

/** Stores many. Where the storage can take many at once, 100 take two statements. */
export function storeMany(
  parts: VaultParts,
  viewer: Viewer,
  entries: readonly StoreEntry[],
): Promise<BatchResult<CredentialInfo>> {
  const references = entries.map(({ reference }) => reference);
  return runBatch(parts, viewer, 'store', references, {
    one: (index) => {
      const { reference, material, options } = entries[index] as StoreEntry;
      return store(parts, viewer, reference, material, options);
    },
    // An audit that is required comes before each change, so those are made one by one.
    many: parts.audit.isRequired ? undefined : (chunk) => storeChunk(parts, viewer, entries, chunk),
  });
}

async function storeChunk(
  parts: VaultParts,
  viewer: Viewer,
  entries: readonly StoreEntry[],
  chunk: readonly Place[],
): Promise<readonly Settled<CredentialInfo>[]> {
  const drafts = chunk.map(({ index, key }): Settled<Draft> =>
    settle(() => {
      const { material, options = {} } = entries[index] as StoreEntry;
      checkStoreOptions(options);
      return prepare(parts, key, material, options);
    }),
  );
  const existing = await parts.storage.getMany(chunk.map(({ key }) => key));
  const changes = chunk.map(({ index, key }, at): Settled<{ record: StoredCredential; expectedRevision: number }> => {
    const draft = drafts[at] as Settled<Draft>;
    const found = existing[at];
    return draft.ok
      ? settle(() => {
          const { options = {} } = entries[index] as StoreEntry;
          if (options.mode === 'create' && found !== undefined) throw exists(key);
          assertExpected(key, found, options);
          return { record: draft.value.next(found), expectedRevision: found?.revision ?? 0 };
        })
      : draft;
  });
  const ready = changes.flatMap((change) => (change.ok ? [change.value] : []));
  const written = ready.length === 0 ? [] : await parts.storage.putMany(ready);
  for (const { record } of ready) forget(parts, record.key);
  const isWritten = new Map(ready.map(({ record }, at) => [keyText(record.key), written[at] === true]));
  return Promise.all(
    changes.map(async (change, at): Promise<Settled<CredentialInfo>> => {
      if (!change.ok) return change;
      const { record } = change.value;
      const { index, key } = chunk[at] as Place;
      const { reference, material, options } = entries[index] as StoreEntry;
      // Somebody was faster with this one: alone, it tries again.
      if (isWritten.get(keyText(key)) !== true)
        return settleLater(() => store(parts, viewer, reference, material, options));
      const action = options?.mode === 'create' ? 'create' : 'replace';
      const subject = { action, tenant: key.tenant, key, ...administered(viewer) } as const;
      await parts.audit.note(subject, { outcome: 'succeeded', version: record.current.version });
      return { ok: true, value: toInfo(record) };
    }),
  );
}

/** Opens many; `undefined` for each that is not there. Those in the cache are not read again. */
export function retrieveMany<Value extends object>(
  parts: VaultParts,
  viewer: Viewer,
  references: readonly CredentialReference[],
  options: Omit<RetrieveOptions<Value>, 'version'> = {},
): Promise<BatchResult<Credential<Value> | undefined>> {
  return runBatch(parts, viewer, 'retrieve', references, {
    one: (index) => retrieve(parts, viewer, references[index] as CredentialReference, options),
    many: async (chunk) => {
      const records = await readChunk(parts, chunk);
      return Promise.all(
        records.map((record) =>
          settleLater(async () => (record === undefined ? undefined : handOut(parts, viewer, record, options))),
        ),
      );
    },
  });
}

/** Removes many. @returns for each whether there was one */
export function deleteMany(
  parts: VaultParts,
  viewer: Viewer,
  references: readonly CredentialReference[],
): Promise<BatchResult<boolean>> {
  return runBatch(parts, viewer, 'delete', references, {
    one: (index) => deleteCredential(parts, viewer, references[index] as CredentialReference),
    many: parts.audit.isRequired
      ? undefined
      : async (chunk) => {
          const deleted = await parts.storage.deleteMany(chunk.map(({ key }) => key));
          return Promise.all(
            chunk.map(async ({ key }, at): Promise<Settled<boolean>> => {
              forget(parts, key);
              const existed = deleted[at] === true;
              const subject = { action: 'delete', tenant: key.tenant, key, ...administered(viewer) } as const;
              await parts.audit.note(subject, { outcome: existed ? 'succeeded' : 'missing' });
              return { ok: true, value: existed };
            }),
          );
        },
  });
}

/** Judges many without opening them. */
export function validateMany(
  parts: VaultParts,
  viewer: Viewer,
  references: readonly CredentialReference[],
): Promise<BatchResult<Validation>> {
  return runBatch(parts, viewer, 'validate', references, {
    one: (index) => validate(parts, viewer, references[index] as CredentialReference),
    many: async (chunk) => {
      const records = await readChunk(parts, chunk);
      return records.map((record, at) => settle(() => judge(parts, (chunk[at] as Place).key, record)));
    },
  });
}

async function readChunk(
  parts: VaultParts,
  chunk: readonly Place[],
): Promise<readonly (StoredCredential | undefined)[]> {
  const cached = chunk.map(({ key }) => parts.cache?.peek(keyText(key)));
  const missing = chunk.filter((_, at) => cached[at] === undefined);
  if (missing.length === 0) return cached;
  const loads = await parts.storage.getMany(missing.map(({ key }) => key));
  const loaded = new Map(missing.map(({ key }, at) => [keyText(key), loads[at]]));
  return chunk.map(({ key }, at) => cached[at] ?? loaded.get(keyText(key)));
}

interface Place {
  readonly index: number;
  readonly key: CredentialKey;
}

type Settled<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: CredentialError };

interface Work<Value> {
  /** Does one item. */
  readonly one: (index: number) => Promise<Value>;
  /** Does up to 100 at once; `undefined` when that is not possible. */
  readonly many: ((chunk: readonly Place[]) => Promise<readonly Settled<Value>[]>) | undefined;
}

async function runBatch<Value>(
  parts: VaultParts,
  viewer: Viewer,
  operation: string,
  references: readonly CredentialReference[],
  work: Work<Value>,
): Promise<BatchResult<Value>> {
  if (references.length > MAX_ITEMS) {
    throw credentialError('CREDENTIAL_INVALID', `a batch holds at most ${MAX_ITEMS} credentials; make several`);
  }
  parts.logger.info({ operation, count: references.length }, 'batch of credentials begins');
  const settled: Settled<Value>[] = [];
  const chunked: Place[] = [];
  const single: number[] = [];
  const seen = new Set<string>();
  for (const [index, reference] of references.entries()) {
    const resolved = settle(() => resolveKey(parts, viewer, reference, operation));
    if (!resolved.ok) settled[index] = resolved;
    else if (seen.has(keyText(resolved.value.key))) settled[index] = { ok: false, error: repeated(resolved.value.key) };
    else {
      seen.add(keyText(resolved.value.key));
      const inChunks = parts.hasBatches && work.many !== undefined && resolved.value.isVisible;
      if (inChunks) chunked.push({ index, key: resolved.value.key });
      else single.push(index);
    }
  }
  const signal = currentContext()?.signal;
  const jobs = [
    ...single.map((index) => async () => {
      settled[index] = await settleLater(() => work.one(index));
    }),
    ...chunksOf(chunked).map((chunk) => async () => {
      const results = await settleLater(async () => work.many?.(chunk) ?? []);
      for (const [at, { index }] of chunk.entries()) {
        settled[index] = results.ok ? (results.value[at] as Settled<Value>) : results;
      }
    }),
  ];
  await inBounds(jobs, parts.batchConcurrency, () => signal?.aborted === true);
  const items = references.map((reference, index): BatchItem<Value> =>
    Object.freeze({ reference, ...(settled[index] ?? { ok: false, error: cancelled() }) }),
  );
  const result = toResult(items, operation);
  const { succeeded, failed } = result;
  parts.logger.info({ operation, count: items.length, succeeded, failed }, 'batch of credentials ended');
  return result;
}

function toResult<Value>(items: readonly BatchItem<Value>[], operation: string): BatchResult<Value> {
  const errors = items.flatMap((item) => (item.ok ? [] : [item]));
  return Object.freeze({
    items: Object.freeze(items),
    succeeded: items.length - errors.length,
    failed: errors.length,
    orThrow(): readonly Value[] {
      if (errors.length === 0) return items.flatMap((item) => (item.ok ? [item.value] : []));
      const shown = errors
        .slice(0, 100)
        .map(({ reference, error }) => ({ id: String(reference.id).slice(0, 255), code: error.code }));
      throw credentialError(
        'CREDENTIAL_BATCH_FAILED',
        `${errors.length} of ${items.length} could not be done (${operation}): see details.errors; the others were`,
        {
          cause: errors[0]?.error,
          details: { succeeded: items.length - errors.length, failed: errors.length, errors: shown },
        },
      );
    },
  });
}

function chunksOf(places: readonly Place[]): readonly (readonly Place[])[] {
  const chunks: Place[][] = [];
  for (let at = 0; at < places.length; at += CHUNK) chunks.push(places.slice(at, at + CHUNK));
  return chunks;
}

function settle<Value>(work: () => Value): Settled<Value> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error: error as CredentialError };
  }
}

async function settleLater<Value>(work: () => Promise<Value>): Promise<Settled<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: error as CredentialError };
  }
}

function repeated({ id, scope }: CredentialKey): CredentialError {
  return credentialError(
    'CREDENTIAL_REPEATED',
    `credential "${id}" in scope "${scope}" comes twice in the batch: this one was left out`,
    { details: { id, scope } },
  );
}

function cancelled(): CredentialError {
  return credentialError('CREDENTIAL_ABORTED', 'the caller gave up before this one was begun');
}
