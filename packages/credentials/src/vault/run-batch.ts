import { isCodedError } from '@tenon/core';
import { credentialError, type CredentialError } from '../errors.ts';
import { keyText, type CredentialKey, type CredentialReference } from '../identity/credential-key.ts';
import { callersSignal, withCredential } from '../storage/guarded-call.ts';
import { inBounds } from './in-bounds.ts';
import { resolveKey, type Viewer } from './resolve-key.ts';
import { tenantOf, type VaultParts } from './vault-parts.ts';

/** What came of one item. */
export type Settled<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: CredentialError };

/** One item of a batch that the viewer may see. */
export interface Place {
  /** Among the items that were given. */
  readonly index: number;
  readonly key: CredentialKey;
}

/** How the items of a batch are done. */
export interface Work<Value> {
  /** Does one item. */
  readonly one: (index: number) => Promise<Value>;
  /** Does up to 100 at once, and settles each for itself; `undefined` when that is not possible. */
  readonly many: ((chunk: readonly Place[]) => Promise<readonly Settled<Value>[]>) | undefined;
}

const MAX_ITEMS = 10_000;
/** As many as a driver takes at once. */
const CHUNK = 100;

/** Does each item for itself, so many at a time, and gives what came of them in their order. */
export async function runBatch<Value>(
  parts: VaultParts,
  viewer: Viewer,
  operation: string,
  references: readonly CredentialReference[],
  work: Work<Value>,
): Promise<readonly Settled<Value>[]> {
  tenantOf(parts);
  if (references.length > MAX_ITEMS) {
    throw credentialError('CREDENTIAL_INVALID', `a batch holds at most ${MAX_ITEMS} credentials; make several`);
  }
  const count = references.length;
  parts.logger.info({ operation, count }, 'batch of credentials begins');
  const settled: Settled<Value>[] = [];
  const { chunked, single } = sort(parts, viewer, operation, references, work, settled);
  const jobs = [
    ...single.map(({ index, key }) => async () => {
      settled[index] = await settleLater(key, () => work.one(index));
    }),
    ...chunksOf(chunked).map((chunk) => async () => {
      const results = (await work.many?.(chunk)) ?? [];
      for (const [at, { index }] of chunk.entries()) settled[index] = results[at] as Settled<Value>;
    }),
  ];
  const signal = callersSignal();
  await inBounds(jobs, parts.batchConcurrency, () => signal?.aborted === true);
  for (const { index, key } of [...single, ...chunked]) settled[index] ??= { ok: false, error: cancelled(key) };
  const succeeded = settled.filter(({ ok }) => ok).length;
  parts.logger.info({ operation, count, succeeded, failed: count - succeeded }, 'batch of credentials ended');
  return settled;
}

/** Settles at once what cannot be done, and says how the rest is. */
function sort<Value>(
  parts: VaultParts,
  viewer: Viewer,
  operation: string,
  references: readonly CredentialReference[],
  work: Work<Value>,
  settled: Settled<Value>[],
): { readonly chunked: readonly Place[]; readonly single: readonly Place[] } {
  const chunked: Place[] = [];
  const single: Place[] = [];
  const seen = new Set<string>();
  for (const [index, reference] of references.entries()) {
    const resolved = settle(() => resolveKey(parts, viewer, reference, operation));
    if (!resolved.ok) {
      settled[index] = resolved;
      continue;
    }
    const { key, isVisible } = resolved.value;
    const text = keyText(key);
    if (seen.has(text)) settled[index] = { ok: false, error: repeated(key) };
    else (parts.hasBatches && work.many !== undefined && isVisible ? chunked : single).push({ index, key });
    seen.add(text);
  }
  return { chunked, single };
}

function chunksOf(places: readonly Place[]): readonly (readonly Place[])[] {
  const chunks: Place[][] = [];
  for (let at = 0; at < places.length; at += CHUNK) chunks.push(places.slice(at, at + CHUNK));
  return chunks;
}

/** Turns what is thrown into a result. */
export function settle<Value>(work: () => Value): Settled<Value> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error: error as CredentialError };
  }
}

/** Turns a rejection into a result that names the credential. */
export async function settleLater<Value>(key: CredentialKey, work: () => Promise<Value>): Promise<Settled<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return failed(key, error);
  }
}

function failed(key: CredentialKey, error: unknown): { readonly ok: false; readonly error: CredentialError } {
  return { ok: false, error: withCredential(error as CredentialError, key) };
}

/** One record that makes no sense must not keep the others of its chunk from being read, each alone. */
export function unlessCorrupt(error: unknown): undefined {
  if (!isCodedError(error, 'CREDENTIAL_STORAGE_CORRUPT')) throw error;
}

function repeated({ id, scope }: CredentialKey): CredentialError {
  return credentialError(
    'CREDENTIAL_REPEATED',
    `credential "${id}" in scope "${scope}" comes twice in the batch: this one was left out`,
    { details: { id, scope } },
  );
}

function cancelled({ id, scope }: CredentialKey): CredentialError {
  return credentialError(
    'CREDENTIAL_ABORTED',
    `the caller gave up before credential "${id}" in scope "${scope}" was begun`,
    { details: { id, scope } },
  );
}
