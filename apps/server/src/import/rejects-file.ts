import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { toError } from '@tenon/core';
import { serverError } from '../errors.ts';
import type { RejectedEntry } from './write-batch.ts';

const HEADER = 'line,reason,row\n';

/** Where the rows go that were not imported: a CSV file of their line, the reason, and the row as it stood. */
export interface RejectsFile {
  /** How long the file is; 0 when there is none. */
  bytes(): number;
  /** Adds the rows of entries. The file is made with the first one, readable for its owner only. */
  append(rejected: readonly RejectedEntry[]): Promise<void>;
  close(): Promise<void>;
}

/** How long a rejects file is; 0 when there is none. */
export async function rejectsSize(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/**
 * Opens a rejects file.
 *
 * @param keepBytes - how much of what an earlier run wrote is kept; the rest is cut off, and with 0 the file goes
 * @throws `IMPORT_REJECTS_UNWRITABLE` when the file cannot be written, or is something else than a rejects file
 */
export async function openRejectsFile(path: string, keepBytes: number): Promise<RejectsFile> {
  let file = await guarded(path, () => prepare(path, keepBytes));
  let length = keepBytes;
  return {
    bytes: () => length,
    append: (rejected) =>
      guarded(path, async () => {
        if (rejected.length === 0) return;
        file ??= await open(path, 'wx', 0o600);
        const bytes = Buffer.from(`${length === 0 ? HEADER : ''}${rejected.map(toText).join('')}`);
        for (let at = 0; at < bytes.length;) {
          const { bytesWritten } = await file.write(bytes, at, bytes.length - at, length);
          at += bytesWritten;
          length += bytesWritten;
        }
      }),
    close: async () => file?.close(),
  };
}

async function prepare(path: string, keepBytes: number): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    await assertRejects(file);
    if (keepBytes > 0) {
      await file.truncate(keepBytes);
      return file;
    }
    await rm(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

// Somebody may name the wrong file: nothing is overwritten that is not a rejects file.
async function assertRejects(file: FileHandle): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.length), 0, HEADER.length, 0);
  if (bytesRead > 0 && !buffer.equals(Buffer.from(HEADER))) throw new Error('it is there, and holds something else');
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw serverError(
      'IMPORT_REJECTS_UNWRITABLE',
      `rejected rows cannot be written to "${path}": ${toError(error).message}. Name another file for them`,
      { cause: error },
    );
  }
}

function toText({ entry, reasons }: RejectedEntry): string {
  return entry.rows.map((row, index) => `${row.line},${toCell(reasons[index] ?? '')},${toCell(row.text)}\n`).join('');
}

function toCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
