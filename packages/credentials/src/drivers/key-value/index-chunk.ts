import { Type, type TObject } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { credentialError } from '../../errors.ts';
import { comparePlaces, type Place } from '../../storage/matches.ts';

/** A place, and the claims that keep it in the index. */
export interface IndexEntry extends Place {
  readonly claims: readonly string[];
}

/** A part of the index: the entries of a range of places, in order. */
export interface IndexChunk {
  readonly entries: readonly IndexEntry[];
  /** Where the places go on, and with which one. Absent: this is the last. */
  readonly next?: { readonly name: string; readonly from: Place };
}

/** The chunk of a tenant that has none yet. */
export const emptyChunk: IndexChunk = Object.freeze({ entries: [] });

const form: TObject = Type.Object({
  entries: Type.Array(Type.Array(Type.String(), { minItems: 3 })),
  next: Type.Optional(Type.Array(Type.String(), { minItems: 3, maxItems: 3 })),
});
let validator: Validator | undefined;

interface Written {
  readonly entries: readonly (readonly string[])[];
  readonly next?: readonly string[];
}

/** A chunk as the bytes of its value. */
export function encodeChunk({ entries, next }: IndexChunk): Uint8Array {
  const written: Written = {
    entries: entries.map(({ scope, id, claims }) => [scope, id, ...claims]),
    ...(next === undefined ? {} : { next: [next.name, next.from.scope, next.from.id] }),
  };
  return new TextEncoder().encode(JSON.stringify(written));
}

/** @throws `CREDENTIAL_STORAGE_CORRUPT` naming the tenant */
export function decodeChunk(bytes: Uint8Array, tenant: string): IndexChunk {
  validator ??= Compile(form) as Validator;
  const written = parse(bytes);
  if (!validator.Check(written)) throw indexCorrupt(tenant, 'a part of it cannot be read');
  const { entries, next } = written as Written;
  const [name = '', scope = '', id = ''] = next ?? [];
  return {
    entries: entries.map(([entryScope = '', entryId = '', ...claims]) => ({ scope: entryScope, id: entryId, claims })),
    ...(next === undefined ? {} : { next: { name, from: { scope, id } } }),
  };
}

/** The chunk with other claims at a place; without any left, the place leaves it. The same chunk when there was none to begin with. */
export function withClaims(
  chunk: IndexChunk,
  place: Place,
  change: (claims: readonly string[]) => readonly string[],
): IndexChunk {
  const at = chunk.entries.findIndex((entry) => comparePlaces(entry, place) >= 0);
  const index = at === -1 ? chunk.entries.length : at;
  const found = chunk.entries[index];
  const isThere = found !== undefined && comparePlaces(found, place) === 0;
  const claims = change(isThere ? found.claims : []);
  if (!isThere && claims.length === 0) return chunk;
  const entry = claims.length === 0 ? [] : [{ scope: place.scope, id: place.id, claims }];
  return { ...chunk, entries: chunk.entries.toSpliced(index, isThere ? 1 : 0, ...entry) };
}

/** The failure to make sense of the index itself. Credentials can still be reached by their keys. */
export function indexCorrupt(tenant: string, why: string): Error {
  return credentialError(
    'CREDENTIAL_STORAGE_CORRUPT',
    `the list of credentials of the tenant "${tenant}" in the key-value store is damaged: ${why}. Restore the store from a backup`,
    { details: { tenant, reason: why } },
  );
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
