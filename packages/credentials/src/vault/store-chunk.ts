import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';
import { toInfo, type CredentialInfo } from './credential.ts';
import type { Viewer } from './resolve-key.ts';
import { settle, settleLater, unlessCorrupt, type Settled } from './run-batch.ts';
import { changeAfter, prepare, recordStore, write, type Draft, type StoreOptions } from './store.ts';
import { forget, type VaultParts } from './vault-parts.ts';

/** One credential of a chunk. */
export interface ChunkEntry {
  readonly key: CredentialKey;
  readonly material: CredentialMaterial;
  readonly options?: StoreOptions;
}

interface Prepared {
  readonly draft: Draft;
  readonly options: StoreOptions;
}

/** Stores up to 100 with one reading and one writing. */
export function storeChunk(
  parts: VaultParts,
  viewer: Viewer,
  entries: readonly ChunkEntry[],
): Promise<readonly Settled<CredentialInfo>[]> {
  const prepared = entries.map(({ key, material, options = {} }) =>
    settle((): Prepared => ({ draft: prepare(parts, key, material, options), options })),
  );
  const writing = writeTogether(
    parts,
    prepared.flatMap((one) => (one.ok ? [one.value] : [])),
  );
  // Each entry hears of it by itself, a moment later.
  writing.catch(() => undefined);
  return Promise.all(
    prepared.map(async (one, at): Promise<Settled<CredentialInfo>> => {
      if (!one.ok) return one;
      const { draft, options } = one.value;
      const { key } = entries[at] as ChunkEntry;
      const finish = async (): Promise<CredentialInfo> => {
        const written = (await writing).get(keyText(key));
        if (written?.ok === false) throw written.error;
        // Somebody was faster with this one, or another one cannot be read.
        return written?.value ?? write(parts, draft, options);
      };
      return settleLater(key, () => recordStore(parts, viewer, key, options, finish));
    }),
  );
}

/** @returns for each what was stored, or why it was not, or nothing when it has to be stored alone */
async function writeTogether(
  parts: VaultParts,
  all: readonly Prepared[],
): Promise<ReadonlyMap<string, Settled<CredentialInfo | undefined>>> {
  if (all.length === 0) return new Map();
  const existing = await parts.storage.getMany(all.map(({ draft }) => draft.key)).catch(unlessCorrupt);
  if (existing === undefined) return new Map();
  const changes = all.map(({ draft, options }, at) => settle(() => changeAfter(draft, existing[at], options)));
  const ready = changes.flatMap((change) => (change.ok ? [change.value] : []));
  let written: readonly boolean[] = [];
  try {
    if (ready.length > 0) written = await parts.storage.putMany(ready);
  } finally {
    // Also after a failure: it may have been written.
    for (const { record } of ready) forget(parts, record.key);
  }
  const isWritten = new Set(ready.filter((_, at) => written[at] === true).map(({ record }) => record));
  return new Map(
    changes.map((change, at): [string, Settled<CredentialInfo | undefined>] => {
      const text = keyText((all[at] as Prepared).draft.key);
      if (!change.ok) return [text, change];
      const { record } = change.value;
      return [text, { ok: true, value: isWritten.has(record) ? toInfo(record) : undefined }];
    }),
  );
}
