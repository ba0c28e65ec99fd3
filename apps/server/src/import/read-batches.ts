import type { ImportEntry } from './import-entry.ts';
import type { ImportSource } from './import-source.ts';
import type { Position } from './read-lines.ts';

// Rows may be as long as 1 MiB, so their number alone is no bound for memory.
const MAX_BATCH_CHARACTERS = 4_194_304;

/** Entries that are written together. */
export interface Batch {
  readonly entries: readonly ImportEntry[];
  /** How many rows of the file they are. */
  readonly rows: number;
  /** Where the next batch begins. */
  readonly end: Position;
}

/** What {@link readBatches} takes. */
export interface ReadBatchesOptions {
  readonly source: ImportSource;
  /** Where to begin: the source's start, or the end of an earlier batch. */
  readonly from: Position;
  /** Reads, but does not give, what lies before `from`: for formats whose rows depend on earlier ones. */
  readonly readBefore: boolean;
  /** Most entries of a batch. */
  readonly size: number;
}

/** Reads a file batch by batch. */
export async function* readBatches(options: ReadBatchesOptions): AsyncGenerator<Batch> {
  const { source, from, size } = options;
  const split = source.splitter();
  const makeEntries = source.entryMaker();
  let entries: ImportEntry[] = [];
  let rows = 0;
  let characters = 0;
  const take = (): Batch => {
    const batch = { entries, rows, end: (entries.at(-1) as ImportEntry).end };
    entries = [];
    rows = 0;
    characters = 0;
    return batch;
  };
  const collect = function* (made: readonly ImportEntry[]): Generator<Batch> {
    for (const entry of made) {
      if (entry.end.offset <= from.offset) continue;
      entries.push(entry);
      rows += entry.rows.length;
      for (const row of entry.rows) characters += row.text.length;
      if (entries.length >= size || characters >= MAX_BATCH_CHARACTERS) yield take();
    }
  };

  for await (const lines of source.lines(options.readBefore ? source.start : from)) {
    yield* collect(makeEntries(split(lines, false), false));
  }
  yield* collect(makeEntries(split([], true), true));
  if (entries.length > 0) yield take();
}

/**
 * Asks for one value more than was taken, so that the next is being made while the last is worked on. Values come in order;
 * a failure comes in its place.
 */
export async function* readAhead<T>(values: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = values.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = values.next();
      // Whoever takes it hears of its failure; nobody does when the work fails before that.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await values.return(undefined).catch(() => undefined);
  }
}
