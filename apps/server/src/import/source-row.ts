import { isUtf8 } from 'node:buffer';
import type { Line, Position } from './read-lines.ts';

/** One row of a file, before anybody asks what it means. */
export interface SourceRow {
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Where the next row begins. */
  readonly end: Position;
  /** The row as it stands in the file, without the line end; bytes that are no UTF-8 as U+FFFD. */
  readonly text: string;
  /** Why it cannot be read as a row. Undefined: it can. */
  readonly problem: string | undefined;
  /** Its cells; where there is a problem, the best guess at them. */
  readonly cells: readonly string[];
}

/** The reason for rows that are not UTF-8. */
const NOT_UTF8 = 'is not valid UTF-8: save the file as UTF-8, or correct the row';

/** The bytes of a line without the carriage return of a CRLF. */
export function withoutCarriageReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}

/** What is wrong with a line before its content is looked at. */
export function problemOfLine(line: Line, bytes: Buffer): string | undefined {
  if (line.isCut) return 'is longer than 1 MiB';
  return isUtf8(bytes) ? undefined : NOT_UTF8;
}
