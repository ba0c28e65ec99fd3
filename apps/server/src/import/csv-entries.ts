import { problemOfWidth, toValue, type Column } from './csv-columns.ts';
import { rejectedEntry, type EntryMaker, type ImportEntry } from './import-entry.ts';
import type { SourceRow } from './source-row.ts';

/** Makes one entry of each row. */
export function csvEntries(columns: readonly Column[]): EntryMaker {
  // Copied for each row: records that all have the same fields, given or undefined, take half the memory of grown ones.
  const blank: Readonly<Record<string, undefined>> = Object.fromEntries(
    columns.map(({ field }) => [field.name, undefined]),
  );
  return (rows) => rows.map((row) => toEntry(row, columns, blank));
}

function toEntry(row: SourceRow, columns: readonly Column[], blank: Readonly<Record<string, undefined>>): ImportEntry {
  const problem = row.problem ?? problemOfWidth(row, columns);
  if (problem !== undefined) return rejectedEntry([row], problem);
  const record: Record<string, unknown> = { ...blank };
  for (let index = 0; index < columns.length; index += 1) {
    const { field } = columns[index] as Column;
    record[field.name] = toValue(row.cells[index], field);
  }
  return { record, rows: [row], reasons: undefined, end: row.end };
}
