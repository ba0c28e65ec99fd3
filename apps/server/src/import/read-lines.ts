import type { FileHandle } from 'node:fs/promises';

/** The longest row that is read, in bytes. A longer one is rejected without being held in memory. */
export const MAX_ROW_BYTES = 1_048_576;

const CHUNK_BYTES = 65_536;
const SHOWN_BYTES = 1_000;
const LINE_FEED = 0x0a;

/** Where something begins in a file. */
export interface Position {
  /** In bytes, from 0. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
}

/** One line as it stands in the file. */
export interface Line {
  /** Without the line feed that ends it; a carriage return before that is still there. */
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  /** Where the next line begins. */
  readonly end: Position;
  /** The line is longer than {@link MAX_ROW_BYTES}, and `bytes` is only its beginning. */
  readonly isCut: boolean;
}

/**
 * Reads a file line by line, a block of lines at a time. At most one block and one unfinished line are in memory.
 *
 * @param file - open for reading; it stays open
 * @param from - the beginning of a line
 */
export async function* readLines(file: FileHandle, from: Position): AsyncGenerator<readonly Line[]> {
  let rest: Buffer = Buffer.alloc(0);
  // The beginning of a line that is too long to keep; the rest of it is read over.
  let cut: Buffer | undefined;
  let number = from.line;
  for (let position = from.offset; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
    const block =
      rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const blockOffset = position - rest.length;
    position += bytesRead;
    const lines: Line[] = [];
    const add = (start: number, stop: number, next: number): void => {
      const end = { offset: blockOffset + next, line: number + 1 };
      lines.push({ bytes: cut ?? block.subarray(start, stop), number, end, isCut: cut !== undefined });
      cut = undefined;
      number += 1;
    };

    let start = 0;
    for (let stop = block.indexOf(LINE_FEED); stop !== -1; stop = block.indexOf(LINE_FEED, start)) {
      if (stop - start > MAX_ROW_BYTES) cut ??= beginning(block, start);
      add(start, stop, stop + 1);
      start = stop + 1;
    }
    rest = block.subarray(start);
    if (cut !== undefined || rest.length > MAX_ROW_BYTES) {
      cut ??= beginning(rest, 0);
      rest = rest.subarray(rest.length);
    }
    if (bytesRead === 0 && (rest.length > 0 || cut !== undefined)) add(start, block.length, block.length);
    if (lines.length > 0) yield lines;
    if (bytesRead === 0) return;
  }
}

function beginning(block: Buffer, start: number): Buffer {
  return Buffer.from(block.subarray(start, start + SHOWN_BYTES));
}
