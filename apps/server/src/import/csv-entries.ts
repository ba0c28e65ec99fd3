import { problemOfWidth, toValue, type Column } from './csv-columns.ts';
import { rejectedEntry, type EntryMaker, type ImportEntry } from './import-entry.ts';
import type { SourceRow } from './source-row.ts';

/** Makes one entry of each row. */
export function csvEntries(columns: readonly Column[]): EntryMaker {
  return (rows) => rows.map((row) => toEntry(row, columns));
}

function toEntry(row: SourceRow, columns: readonly Column[]): ImportEntry {
  const problem = row.problem ?? problemOfWidth(row, columns);
  if (problem !== undefined) return rejectedEntry([row], problem);
  const record: Record<string, unknown> = {};
  for (const [index, { field }] of columns.entries()) {
    const value = toValue(row.cells[index], field);
    if (value !== undefined) record[field.name] = value;
  }
  return { record, rows: [row], reasons: undefined, end: row.end };
}
