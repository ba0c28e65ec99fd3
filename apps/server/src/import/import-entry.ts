import type { InputProblem } from '@tenon/core';
import type { Position } from './read-lines.ts';
import type { SourceRow } from './source-row.ts';

/** One thing to import, with the rows of the file that it was made from: one row, or one for each line of an order. */
export interface ImportEntry {
  /** What the batch import takes; undefined when `reasons` says why there is none. */
  readonly record: object | undefined;
  readonly rows: readonly SourceRow[];
  /** Why it cannot be imported, for each of its rows. Undefined: it can be tried. */
  readonly reasons: readonly string[] | undefined;
  /** Where the next entry begins. */
  readonly end: Position;
}

/** Makes entries of rows, as they come; `isLast` tells that none will follow. */
export type EntryMaker = (rows: readonly SourceRow[], isLast: boolean) => readonly ImportEntry[];

/** An entry that cannot be imported, because of one reason that concerns each of its rows. */
export function rejectedEntry(rows: readonly SourceRow[], reason: string): ImportEntry {
  return { record: undefined, rows, reasons: rows.map(() => reason), end: (rows.at(-1) as SourceRow).end };
}

/**
 * Why an entry was refused by what checked it, for each of its rows.
 *
 * @param nameOf - what the file calls a field
 */
export function explainProblems(
  entry: ImportEntry,
  problems: readonly InputProblem[],
  nameOf: (field: string) => string,
): readonly string[] {
  const own = entry.rows.map((): string[] => []);
  const general: string[] = [];
  for (const { path, message } of problems) {
    const inLine = entry.rows.length > 1 ? /^\/lines\/(\d+)(?:\/(.*))?$/.exec(path) : null;
    const list = (inLine === null ? undefined : own[Number(inLine[1])]) ?? general;
    const field = inLine === null ? path.slice(1) : (inLine[2] ?? '');
    list.push(field === '' ? message : `${nameOf(field)}: ${message}`);
  }
  const bad = entry.rows.find((_, index) => (own[index] as string[]).length > 0);
  return own.map((reasons) => {
    const all = [...reasons, ...general];
    return all.length > 0 ? all.join('; ') : `is part of the order whose line ${bad?.line} is wrong`;
  });
}
