import { serverError } from '../errors.ts';
import { importFields, toColumnName, toFieldName, type ImportField, type ImportKind } from './import-kind.ts';
import type { SourceRow } from './source-row.ts';

/** A column of a file and the field that it gives. */
export interface Column {
  /** As the header spells it. */
  readonly title: string;
  readonly field: ImportField;
}

/**
 * Reads the header row. All that is wrong with it is told at once, before anything is imported.
 *
 * @throws `IMPORT_COLUMNS_INVALID` naming the unknown, repeated and missing columns, and those that exist
 */
export function readColumns(kind: ImportKind, header: SourceRow | undefined, file: string): readonly Column[] {
  if (header === undefined) throw invalid(kind, `"${file}" is empty: its first line must name the columns`);
  if (header.problem !== undefined) throw invalid(kind, `the first line of "${file}" ${header.problem}.`);
  const fields = importFields(kind);
  const titles = header.cells.map((cell) => cell.trim());
  const names = titles.map(toFieldName);
  const unknown = titles.filter((_, index) => !fields.has(names[index] as string));
  const repeated = titles.filter(
    (_, index) => names.indexOf(names[index] as string) !== index && !unknown.includes(titles[index] as string),
  );
  const missing = [...fields.values()].filter(({ name, isRequired }) => isRequired && !names.includes(name));
  const problems = [
    ...(unknown.length > 0 ? [`does not know the column${plural(unknown)} ${list(unknown)}`] : []),
    ...(repeated.length > 0 ? [`has the column${plural(repeated)} ${list(repeated)} twice`] : []),
    ...(missing.length > 0
      ? [`lacks the column${plural(missing)} ${list(missing.map(({ name }) => toColumnName(name)))}`]
      : []),
  ];
  if (problems.length > 0) {
    const separator =
      titles.length === 1 && /[;\t|]/.test(titles[0] as string) ? ' Cells must be separated by commas.' : '';
    throw invalid(kind, `the header of "${file}" ${problems.join(', and ')}.${separator}`);
  }
  return names.map((name, index) => ({ title: titles[index] as string, field: fields.get(name) as ImportField }));
}

const INTEGER = /^-?\d{1,15}$/;

/**
 * The value of a cell as the schema of its field wants it. An empty cell is a field left out; a number that is none stays text,
 * which the schema refuses in its own words.
 */
export function toValue(cell: string | undefined, field: ImportField): string | number | undefined {
  if (cell === undefined || cell === '') return undefined;
  if (!field.isInteger) return cell;
  const text = cell.trim();
  return INTEGER.test(text) ? Number(text) : text;
}

/** What is wrong with the number of a row's cells, if anything is. */
export function problemOfWidth(row: SourceRow, columns: readonly Column[]): string | undefined {
  if (row.cells.length === columns.length) return undefined;
  return `has ${row.cells.length} cells, and the header names ${columns.length} columns`;
}

function invalid(kind: ImportKind, problem: string): Error {
  const known = [...importFields(kind).values()].map(
    ({ name, isRequired }) => `${toColumnName(name)}${isRequired ? '' : '?'}`,
  );
  return serverError(
    'IMPORT_COLUMNS_INVALID',
    `${problem} Columns of ${kind} (those with a question mark may be left out): ${known.join(', ')}`,
    { details: { kind } },
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name.slice(0, 100)}"`).join(', ');
}

function plural(names: readonly unknown[]): string {
  return names.length === 1 ? '' : 's';
}
