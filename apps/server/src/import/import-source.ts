import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { toError } from '@tenon/core';
import { readColumns } from './csv-columns.ts';
import { csvEntries } from './csv-entries.ts';
import { csvOrderEntries } from './csv-orders.ts';
import { serverError } from '../errors.ts';
import type { EntryMaker } from './import-entry.ts';
import { toColumnName, type ImportKind } from './import-kind.ts';
import { ndjsonEntries, ndjsonOrderEntries, splitNdjson } from './ndjson-entries.ts';
import { readLines, type Line, type Position } from './read-lines.ts';
import type { SourceRow } from './source-row.ts';
import { createCsvSplitter } from './split-csv.ts';

/** How a file is written: `csv` with a header row, or `ndjson`, one JSON object a line. */
export const importFormats = ['csv', 'ndjson'] as const;

/** How a file is written. */
export type ImportFormat = (typeof importFormats)[number];

/** A file that is open for an import. */
export interface ImportSource {
  readonly sizeBytes: number;
  /** SHA-256 of the format and the whole content: what was changed in any way is another file. */
  readonly fingerprint: string;
  /** Where the first row begins. */
  readonly start: Position;
  /** What the file calls a field. */
  readonly nameOf: (field: string) => string;
  /** Rows from lines; a new one for each reading. */
  splitter(): (lines: readonly Line[], isLast: boolean) => readonly SourceRow[];
  /** Entries from rows; a new one for each reading. */
  entryMaker(): EntryMaker;
  /** The lines from a place on. */
  lines(from: Position): AsyncGenerator<readonly Line[]>;
  /** @throws `IMPORT_FILE_CHANGED` when the file is not what it was when it was opened */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The format of a file by its extension.
 *
 * @throws `IMPORT_FORMAT_UNKNOWN` when that tells nothing
 */
export function formatOf(file: string): ImportFormat {
  const extension = extname(file).toLowerCase();
  if (extension === '.csv') return 'csv';
  if (extension === '.ndjson' || extension === '.jsonl') return 'ndjson';
  throw serverError(
    'IMPORT_FORMAT_UNKNOWN',
    `the name of "${file}" does not tell its format: say whether it is csv or ndjson`,
  );
}

/**
 * Opens a file, checks its header and reads it once for its fingerprint.
 *
 * @param signal - ends the reading
 * @throws `IMPORT_FILE_UNREADABLE`, `IMPORT_COLUMNS_INVALID`
 */
export async function openImportSource(
  kind: ImportKind,
  path: string,
  format: ImportFormat,
  signal?: AbortSignal,
): Promise<ImportSource> {
  const file = await openFile(path);
  try {
    const opened = await file.stat();
    const isSame = async (): Promise<boolean> => {
      const now = await file.stat();
      return now.size === opened.size && now.mtimeMs === opened.mtimeMs;
    };
    const reading = format === 'csv' ? await csvReading(kind, file, path) : await ndjsonReading(kind, file);
    const fingerprint = await hashContent(file, format, signal);
    return {
      ...reading,
      sizeBytes: opened.size,
      fingerprint,
      lines: (from) => readLines(file, from),
      async assertUnchanged(): Promise<void> {
        if (await isSame()) return;
        throw serverError('IMPORT_FILE_CHANGED', `"${path}" was changed while it was imported. Import it again`);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const unreadable = (why: string, cause?: unknown): Error =>
    serverError('IMPORT_FILE_UNREADABLE', `"${path}" ${why}`, { cause, details: { file: path } });
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw unreadable(isMissing ? 'does not exist' : `cannot be read: ${toError(error).message}`, error);
  }
  // Progress is a place in the file, so what is read must be able to be read again from there.
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw unreadable('is not a regular file: folders and pipes cannot be imported');
}

type Reading = Pick<ImportSource, 'start' | 'nameOf' | 'splitter' | 'entryMaker'>;

async function csvReading(kind: ImportKind, file: FileHandle, path: string): Promise<Reading> {
  const header = await readFirstRow(file, await findStart(file));
  const columns = readColumns(kind, header, path);
  const titles = new Map(columns.map(({ field, title }) => [field.name, title]));
  return {
    start: (header as SourceRow).end,
    nameOf: (field) => titles.get(field) ?? toColumnName(field),
    splitter: createCsvSplitter,
    entryMaker: () => (kind === 'orders' ? csvOrderEntries(columns) : csvEntries(columns)),
  };
}

async function ndjsonReading(kind: ImportKind, file: FileHandle): Promise<Reading> {
  return {
    start: await findStart(file),
    nameOf: (field) => field,
    splitter: () => splitNdjson,
    entryMaker: kind === 'orders' ? ndjsonOrderEntries : ndjsonEntries,
  };
}

/** Behind the byte order mark, if there is one. */
async function findStart(file: FileHandle): Promise<Position> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(3), 0, 3, 0);
  const isMarked = bytesRead === 3 && buffer.equals(Buffer.from([0xef, 0xbb, 0xbf]));
  return { offset: isMarked ? 3 : 0, line: 1 };
}

async function readFirstRow(file: FileHandle, from: Position): Promise<SourceRow | undefined> {
  const split = createCsvSplitter();
  for await (const lines of readLines(file, from)) {
    const [row] = split(lines, false);
    if (row !== undefined) return row;
  }
  return split([], true)[0];
}

async function hashContent(file: FileHandle, format: ImportFormat, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256').update(`${format}\n`);
  const chunk = Buffer.allocUnsafe(1_048_576);
  for (let offset = 0; ;) {
    if (signal?.aborted) throw serverError('IMPORT_STOPPED', 'the import was stopped before it began');
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    offset += bytesRead;
  }
}
