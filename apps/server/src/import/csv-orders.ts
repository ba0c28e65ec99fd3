import { problemOfWidth, toValue, type Column } from './csv-columns.ts';
import { rejectedEntry, type EntryMaker, type ImportEntry } from './import-entry.ts';
import { createKnownIds } from './known-ids.ts';
import type { SourceRow } from './source-row.ts';

const ORDER_ID = 'externalId';
// Far beyond the most lines that an order may have, and a bound for what one endless order can hold in memory.
const MAX_ROWS = 1_000;

/**
 * Makes one entry of the consecutive rows that name the same order. A row that cannot be read takes its order with it: an
 * order without one of its lines would be a wrong order.
 */
export function csvOrderEntries(columns: readonly Column[]): EntryMaker {
  const idColumn = columns.findIndex(({ field }) => field.name === ORDER_ID);
  const known = createKnownIds();
  let open: { readonly id: string; readonly rows: SourceRow[] } | undefined;

  const close = (entries: ImportEntry[]): void => {
    if (open === undefined) return;
    const { id, rows } = open;
    open = undefined;
    entries.push(
      known.add(id)
        ? toEntry(rows, columns)
        : rejectedEntry(rows, 'belongs to an order whose rows stand further up: put all rows of an order together'),
    );
  };

  return (rows, isLast) => {
    const entries: ImportEntry[] = [];
    for (const row of rows) {
      const id = row.cells[idColumn]?.trim() ?? '';
      if (open !== undefined && open.id === id && open.rows.length < MAX_ROWS) {
        open.rows.push(row);
        continue;
      }
      close(entries);
      if (id !== '') open = { id, rows: [row] };
      else entries.push(rejectedEntry([row], row.problem ?? `${(columns[idColumn] as Column).title}: is required`));
    }
    if (isLast) close(entries);
    return entries;
  };
}

function toEntry(rows: readonly SourceRow[], columns: readonly Column[]): ImportEntry {
  const first = rows[0] as SourceRow;
  const end = (rows.at(-1) as SourceRow).end;
  const problems = rows.map((row) => row.problem ?? problemOfWidth(row, columns) ?? problemOfHead(row, first, columns));
  const bad = rows.find((_, index) => problems[index] !== undefined);
  if (bad !== undefined) {
    const reasons = problems.map((problem) => problem ?? `is part of the order whose line ${bad.line} is wrong`);
    return { record: undefined, rows, reasons, end };
  }
  return {
    record: { ...pick(first, columns, 'record'), lines: rows.map((row) => pick(row, columns, 'line')) },
    rows,
    reasons: undefined,
    end,
  };
}

/** What a row says about its order must be what the order's first row says. */
function problemOfHead(row: SourceRow, first: SourceRow, columns: readonly Column[]): string | undefined {
  const differs = columns.findIndex(
    ({ field }, index) => field.part === 'record' && field.name !== ORDER_ID && row.cells[index] !== first.cells[index],
  );
  return differs === -1
    ? undefined
    : `${(columns[differs] as Column).title}: differs from line ${first.line}, which is of the same order`;
}

function pick(row: SourceRow, columns: readonly Column[], part: 'record' | 'line'): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const [index, { field }] of columns.entries()) {
    const value = field.part === part ? toValue(row.cells[index], field) : undefined;
    if (value !== undefined) picked[field.name] = value;
  }
  return picked;
}
