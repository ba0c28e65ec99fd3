import { covers } from '../identity/scope.ts';
import type { StorageQuery } from './credential-storage.ts';
import type { StoredCredential } from './stored-credential.ts';

/** Whether a record is among those that a query asks for, its page apart. For drivers that cannot ask a database. */
export function matches(record: StoredCredential, query: StorageQuery): boolean {
  const { key, current, previous, tags, createdAt } = record;
  if (key.tenant !== query.tenant) return false;
  if (query.within !== undefined && !covers(query.within, key.scope)) return false;
  if (query.kind !== undefined && record.kind !== query.kind) return false;
  if (query.createdFrom !== undefined && createdAt < query.createdFrom) return false;
  if (query.createdTo !== undefined && createdAt > query.createdTo) return false;
  if (query.expiresBefore !== undefined && !((current.expiresAt ?? Infinity) < query.expiresBefore)) return false;
  const { notSealedWith } = query;
  if (notSealedWith !== undefined && [current, ...previous].every(({ keyId }) => keyId === notSealedWith)) return false;
  return Object.entries(query.tags ?? {}).every(([name, value]) => Object.hasOwn(tags, name) && tags[name] === value);
}

/** A place in the order of a list. */
export interface Place {
  readonly scope: string;
  readonly id: string;
}

/** The order of lists: by scope, then by id. All of it is ASCII, so this is the order of the bytes too. */
export function comparePlaces(left: Place, right: Place): number {
  if (left.scope !== right.scope) return left.scope < right.scope ? -1 : 1;
  if (left.id !== right.id) return left.id < right.id ? -1 : 1;
  return 0;
}
