import { hash } from 'node:crypto';

/** Remembers which ids have been seen, in about 70 bytes each however long they are: a file may hold millions. */
export interface KnownIds {
  /** @returns whether the id was new */
  add(id: string): boolean;
}

/** Knows no id yet. */
export function createKnownIds(): KnownIds {
  // A digest is a string of its own: a piece cut out of a row would keep the whole row in memory.
  const digests = new Set<string>();
  return {
    add(id): boolean {
      const before = digests.size;
      return digests.add(hash('sha256', id, 'binary')).size > before;
    },
  };
}
