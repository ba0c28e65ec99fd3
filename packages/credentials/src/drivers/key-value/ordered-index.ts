import { createKeyedMutex, newId } from '@tenon/core';
import type { KeyValueStore } from '@tenon/kv';
import { credentialError } from '../../errors.ts';
import { assertWanted } from '../../storage/assert-wanted.ts';
import { comparePlaces, type Place } from '../../storage/matches.ts';
import { scopeRanges } from '../../storage/scope-ranges.ts';
import { decodeChunk, emptyChunk, encodeChunk, indexCorrupt, withClaims, type IndexChunk } from './index-chunk.ts';
import { addHint, readHints, type IndexHint } from './index-hints.ts';

/**
 * Where the credentials of each tenant are, in order, for a store that cannot list its keys.
 *
 * A place is in the index as long as anybody claims it. Who makes a record claims its place first, under a new name that is written into
 * the record; who has deleted the record takes that one claim back. So each record there is has its claim in the index, at every moment
 * and whoever dies in between: another creator or deleter of the same place never touches it. A claim whose record was not made, or is
 * gone, is left behind by a process that died; it is passed over when the list is read.
 */
export interface OrderedIndex {
  claim(tenant: string, place: Place, claim: string, signal: AbortSignal): Promise<void>;
  release(tenant: string, place: Place, claim: string, signal: AbortSignal): Promise<void>;
  /** The places within a scope, behind one. What comes and goes meanwhile is seen or not, everything else once. */
  within(tenant: string, scope: string | undefined, after: Place | undefined): AsyncGenerator<Place, void>;
}

// Small, because a chunk is written whole for each place that comes and goes; large, because the list is read by chunks.
const MAX_CHUNK_BYTES = 16_384;
// Each failed try means that another process has made its change.
const MAX_TRIES = 500;

interface LoadedChunk {
  readonly bytes: Uint8Array | undefined;
  readonly chunk: IndexChunk;
}

interface LocatedChunk extends LoadedChunk, IndexHint {
  /** Whether a hint led here directly. */
  readonly isHinted: boolean;
}

/**
 * Makes the index over a store. It is a list of chunks, each of a range of places with a link to the next, after Lehman and Yao, "Efficient
 * locking for concurrent operations on B-trees" (1981): a full chunk first writes its upper half under a new key, and then, in one
 * compare-and-set, keeps the lower half and the link. Ranges only ever get smaller, so who arrives by an old hint finds the place further right.
 */
export function createOrderedIndex(store: KeyValueStore): OrderedIndex {
  // Of one process, changes of one tenant wait for each other instead of failing at each other.
  const changes = createKeyedMutex<string>();
  const change = (
    tenant: string,
    place: Place,
    signal: AbortSignal,
    edit: (claims: readonly string[]) => readonly string[],
  ): Promise<void> =>
    changes.run(tenant, async () => {
      for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
        assertWanted(signal);
        const located = await locate(store, tenant, place);
        const changed = withClaims(located.chunk, place, edit);
        if (changed !== located.chunk && !(await replace(store, tenant, located, changed))) continue;
        if (!located.isHinted) await addHint(store, tenant, located);
        return;
      }
      throw credentialError(
        'CREDENTIAL_STORAGE_UNAVAILABLE',
        'the list of credentials is changed by others all the time; nothing was changed',
        { retryable: true },
      );
    });

  return {
    claim: (tenant, place, claim, signal) => change(tenant, place, signal, (claims) => [...claims, claim]),
    release: (tenant, place, claim, signal) =>
      change(tenant, place, signal, (claims) => claims.filter((one) => one !== claim)),
    async *within(tenant, scope, after) {
      for (const { from, to } of scopeRanges(scope)) {
        const start = { scope: from, id: '' };
        // No place has an empty id, so all of the range come behind its start.
        const behind = after !== undefined && comparePlaces(after, start) > 0 ? after : start;
        let { chunk }: LoadedChunk = await locate(store, tenant, behind);
        for (;;) {
          for (const place of chunk.entries) {
            if (comparePlaces(place, behind) > 0 && place.scope < to) yield place;
          }
          if (chunk.next === undefined || chunk.next.from.scope >= to) break;
          ({ chunk } = await load(store, tenant, chunk.next.name));
        }
      }
    },
  };
}

const headOf = (tenant: string): string => `credential-index:${tenant}`;

async function load(store: KeyValueStore, tenant: string, name: string): Promise<LoadedChunk> {
  const bytes = await store.get(name);
  if (bytes !== undefined) return { bytes, chunk: decodeChunk(bytes, tenant) };
  if (name === headOf(tenant)) return { bytes, chunk: emptyChunk };
  throw indexCorrupt(tenant, 'a part of it is missing');
}

/** The chunk in whose range a place is. */
async function locate(store: KeyValueStore, tenant: string, place: Place): Promise<LocatedChunk> {
  const hints = await readHints(store, tenant);
  let next = hints.findLast(({ from }) => comparePlaces(from, place) <= 0) ?? {
    name: headOf(tenant),
    from: { scope: '', id: '' },
  };
  for (let isHinted = true; ; isHinted = false) {
    const { bytes, chunk } = await load(store, tenant, next.name);
    if (chunk.next === undefined || comparePlaces(chunk.next.from, place) > 0) {
      return { ...next, bytes, chunk, isHinted };
    }
    next = chunk.next;
  }
}

/** Puts a changed chunk in the place of one, in two where it has grown too large. Resolves to `false` when somebody else was faster. */
async function replace(
  store: KeyValueStore,
  tenant: string,
  located: LocatedChunk,
  changed: IndexChunk,
): Promise<boolean> {
  const bytes = encodeChunk(changed);
  const middle = changed.entries.length >>> 1;
  const first = changed.entries[middle];
  if (bytes.length <= MAX_CHUNK_BYTES || first === undefined || middle === 0) {
    return store.compareAndSet(located.name, located.bytes, bytes);
  }
  const next: IndexHint = { name: `${headOf(tenant)}|${newId()}`, from: { scope: first.scope, id: first.id } };
  await store.set(next.name, encodeChunk({ ...changed, entries: changed.entries.slice(middle) }));
  const lower = encodeChunk({ entries: changed.entries.slice(0, middle), next });
  if (await store.compareAndSet(located.name, located.bytes, lower)) {
    await addHint(store, tenant, next);
    return true;
  }
  // Nothing leads to it.
  await store.delete(next.name);
  return false;
}
