import type { ImportEntry } from './import-entry.ts';
import type { ImportKind } from './import-kind.ts';
import type { Batch } from './read-batches.ts';
import type { BatchOutcome } from './write-batch.ts';

/** What {@link writeInOrder} takes. */
export interface WriteInOrderOptions {
  readonly kind: ImportKind;
  readonly batches: AsyncIterable<Batch>;
  /** Most batches that are written at the same time. */
  readonly concurrency: number;
  /** Begins to write a batch. */
  readonly write: (batch: Batch) => Promise<BatchOutcome>;
  /** Told of each batch that is written, in the order of the file. */
  readonly written: (batch: Batch, outcome: BatchOutcome) => Promise<void>;
  /** Whether to begin no further batch. */
  readonly isStopped: () => boolean;
}

interface Running {
  readonly batch: Batch;
  readonly keys: ReadonlySet<string>;
  readonly outcome: Promise<BatchOutcome>;
}

/**
 * Writes batches, a few at a time: while the database works on one, the next is checked and sent. Batches that hold the same
 * thing wait for each other, so that the last row of a file wins, as if they had been written one by one. Returns, or fails,
 * when nothing runs any more.
 *
 * @returns `stopped` when there was a batch that was not begun
 */
export async function writeInOrder(options: WriteInOrderOptions): Promise<'finished' | 'stopped'> {
  const running: Running[] = [];
  let end: 'finished' | 'stopped' = 'finished';
  const settleFirst = async (): Promise<void> => {
    const { batch, outcome } = running[0] as Running;
    await options.written(batch, await outcome);
    running.shift();
  };
  try {
    for await (const batch of options.batches) {
      const keys = keysOf(options.kind, batch.entries);
      while (running.length >= options.concurrency || running.some((other) => haveCommon(other.keys, keys))) {
        await settleFirst();
      }
      if (options.isStopped()) {
        end = 'stopped';
        break;
      }
      const outcome = options.write(batch);
      outcome.catch(() => undefined); // told when its turn comes
      running.push({ batch, keys, outcome });
    }
    while (running.length > 0) await settleFirst();
    return end;
  } finally {
    await Promise.allSettled(running.map(({ outcome }) => outcome));
  }
}

const keyFields: Readonly<Record<ImportKind, string>> = { products: 'sku', users: 'email', orders: 'externalId' };

// By folding case for all kinds it takes some different things for the same. They then wait, which harms nothing.
function keysOf(kind: ImportKind, entries: readonly ImportEntry[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { record } of entries) {
    const key = (record as Readonly<Record<string, unknown>> | undefined)?.[keyFields[kind]];
    if (typeof key === 'string') keys.add(key.trim().normalize('NFC').toLowerCase());
  }
  return keys;
}

function haveCommon(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  for (const key of left) if (right.has(key)) return true;
  return false;
}
