import type { KeyValueStore } from '@tenon/kv';
import { comparePlaces, type Place } from '../../storage/matches.ts';

/** Where a chunk begins. */
export interface IndexHint {
  /** Key of the chunk's value. */
  readonly name: string;
  /** The first place that may be in it. */
  readonly from: Place;
}

const MAX_TRIES = 3;

/**
 * The beginnings of a tenant's chunks, in order: they save the way to a place through all chunks before it. Some may be missing, and
 * those that cannot be read are none.
 */
export async function readHints(store: KeyValueStore, tenant: string): Promise<readonly IndexHint[]> {
  return (await read(store, tenant)).hints;
}

/** Adds a hint, or does not: the next change that has to go the long way tries again. */
export async function addHint(store: KeyValueStore, tenant: string, hint: IndexHint): Promise<void> {
  try {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const { bytes, hints } = await read(store, tenant);
      if (hints.some(({ name }) => name === hint.name)) return;
      const all = [...hints, hint].toSorted((left, right) => comparePlaces(left.from, right.from));
      const written = JSON.stringify(all.map(({ name, from }) => [name, from.scope, from.id]));
      if (await store.compareAndSet(keyOf(tenant), bytes, new TextEncoder().encode(written))) return;
    }
  } catch {
    // What it was to save time for has been done.
  }
}

const keyOf = (tenant: string): string => `credential-index:${tenant}|hints`;

async function read(store: KeyValueStore, tenant: string) {
  const bytes = await store.get(keyOf(tenant));
  return { bytes, hints: bytes === undefined ? [] : decode(bytes) };
}

function decode(bytes: Uint8Array): readonly IndexHint[] {
  try {
    const written = JSON.parse(new TextDecoder().decode(bytes)) as readonly (readonly string[])[];
    return written.map(([name = '', scope = '', id = '']) => ({ name, from: { scope, id } }));
  } catch {
    return [];
  }
}
