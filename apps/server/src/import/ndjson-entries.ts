import { toFieldName } from './import-kind.ts';
import { rejectedEntry, type EntryMaker, type ImportEntry } from './import-entry.ts';
import { createKnownIds } from './known-ids.ts';
import type { Line } from './read-lines.ts';
import { problemOfLine, withoutCarriageReturn, type SourceRow } from './source-row.ts';

/** Turns lines into rows, one each; lines of nothing but white space are no rows. */
export function splitNdjson(lines: readonly Line[]): readonly SourceRow[] {
  return lines.flatMap((line) => {
    const bytes = withoutCarriageReturn(line.bytes);
    const problem = problemOfLine(line, bytes);
    const text = bytes.toString('utf8');
    return text.trim() === '' ? [] : [{ line: line.number, end: line.end, text, problem, cells: [] }];
  });
}

/** Makes one entry of each line of JSON. */
export function ndjsonEntries(): EntryMaker {
  return (rows) => rows.map((row) => toEntry(row));
}

/** Makes one entry of each order; a second one with the same id is rejected, as in CSV. */
export function ndjsonOrderEntries(): EntryMaker {
  const known = createKnownIds();
  return (rows) =>
    rows.map((row) => {
      const entry = toEntry(row);
      const record: { readonly externalId?: unknown } | undefined = entry.record;
      const id = record?.externalId;
      if (typeof id !== 'string' || known.add(id.trim())) return entry;
      return rejectedEntry([row], 'is an order that stands further up already');
    });
}

function toEntry(row: SourceRow): ImportEntry {
  if (row.problem !== undefined) return rejectedEntry([row], row.problem);
  let value: unknown;
  try {
    value = JSON.parse(row.text);
  } catch {
    return rejectedEntry([row], 'is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return rejectedEntry([row], 'must be a JSON object');
  }
  const record = renameFields(value);
  if (record === undefined) return rejectedEntry([row], 'gives a field twice, in snake_case and in camelCase');
  return { record, rows: [row], reasons: undefined, end: row.end };
}

/** With field names in camel case, in order lines too; undefined when two names become one. */
function renameFields(value: object): object | undefined {
  const renamed: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const lines: unknown = name === 'lines' && Array.isArray(member) ? member.map(renameLine) : member;
    renamed.push([toFieldName(name), lines]);
  }
  if (new Set(renamed.map(([name]) => name)).size < renamed.length) return undefined;
  // Unlike an assignment, this makes `__proto__` a field like any other, which the schema then refuses.
  return Object.fromEntries(renamed);
}

function renameLine(line: unknown): unknown {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return line;
  return renameFields(line);
}
