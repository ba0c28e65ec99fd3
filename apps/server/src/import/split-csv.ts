import { MAX_ROW_BYTES, type Line } from './read-lines.ts';
import { problemOfLine, withoutCarriageReturn, type SourceRow } from './source-row.ts';

const QUOTE = 0x22;
const LINE_FEED = Buffer.from('\n');
const NEVER_CLOSED = 'has a quote that is opened and not closed, or not within 1 MiB';

/** Turns lines into rows; see {@link createCsvSplitter}. */
export type CsvSplitter = (lines: readonly Line[], isLast: boolean) => readonly SourceRow[];

/**
 * Makes a splitter of CSV (RFC 4180): cells between commas, or in quotes with quotes doubled; a quoted cell may hold commas
 * and line breaks, so a row may be several lines. Empty lines are no rows.
 *
 * A row whose quotes are wrong costs one line: that line is reported, and reading goes on at the next. A parser that only
 * knows characters would swallow everything up to the next quote, which may be the rest of the file.
 *
 * @returns a function that takes the next lines and gives the rows that are complete; `isLast` tells that none will follow
 */
export function createCsvSplitter(): CsvSplitter {
  // Lines of a row whose quote is still open.
  let waiting: readonly Line[] = [];
  return (lines, isLast) => {
    const all = waiting.length === 0 ? lines : [...waiting, ...lines];
    const rows: SourceRow[] = [];
    waiting = [];
    for (let at = 0; at < all.length;) {
      const line = all[at] as Line;
      const extent = line.isCut || !line.bytes.includes(QUOTE) ? 1 : countLines(all, at);
      if (extent === undefined && !isLast) {
        waiting = all.slice(at);
        break;
      }
      const row = typeof extent === 'number' ? toRow(all.slice(at, at + extent)) : malformed(line, NEVER_CLOSED);
      if (row !== undefined) rows.push(row);
      // A malformed row ends with its first line, wherever its quotes would lead.
      at += row === undefined ? 1 : row.end.line - row.line;
    }
    return rows;
  };
}

/** How many lines the row has: quotes come in pairs, so a row ends with the first line after which their number is even. */
function countLines(lines: readonly Line[], from: number): number | 'too long' | undefined {
  let isOpen = false;
  let bytes = 0;
  for (let at = from; at < lines.length; at += 1) {
    const line = lines[at] as Line;
    bytes += line.bytes.length;
    if (line.isCut || bytes > MAX_ROW_BYTES) return 'too long';
    for (let quote = line.bytes.indexOf(QUOTE); quote !== -1; quote = line.bytes.indexOf(QUOTE, quote + 1))
      isOpen = !isOpen;
    if (!isOpen) return at - from + 1;
  }
  return undefined;
}

function toRow(lines: readonly Line[]): SourceRow | undefined {
  const first = lines[0] as Line;
  const last = lines.at(-1) as Line;
  const joined =
    lines.length === 1 ? first.bytes : Buffer.concat(lines.flatMap((line) => [line.bytes, LINE_FEED]).slice(0, -1));
  const bytes = withoutCarriageReturn(joined);
  if (bytes.length === 0) return undefined;
  const problem = problemOfLine(first, bytes);
  const text = bytes.toString('utf8');
  if (!text.includes('"')) return { line: first.number, end: last.end, text, problem, cells: text.split(',') };
  const parsed = splitQuoted(text);
  if (typeof parsed === 'string') return malformed(first, parsed);
  return { line: first.number, end: last.end, text, problem, cells: parsed };
}

function malformed(line: Line, problem: string): SourceRow {
  const text = withoutCarriageReturn(line.bytes).toString('utf8');
  return { line: line.number, end: line.end, text, problem, cells: guessCells(text) };
}

function guessCells(text: string): readonly string[] {
  return text.split(',').map((cell) => cell.replaceAll('"', ''));
}

/** @returns the cells, or what is wrong */
function splitQuoted(text: string): readonly string[] | string {
  const cells: string[] = [];
  for (let start = 0; ;) {
    if (text[start] !== '"') {
      const comma = text.indexOf(',', start);
      const cell = comma === -1 ? text.slice(start) : text.slice(start, comma);
      if (cell.includes('"'))
        return 'has a quote inside a cell that does not begin with one: put the cell in quotes and double them';
      cells.push(cell);
      if (comma === -1) return cells;
      start = comma + 1;
      continue;
    }
    const close = findClosingQuote(text, start + 1);
    if (close === -1) return NEVER_CLOSED;
    cells.push(text.slice(start + 1, close).replaceAll('""', '"'));
    if (close + 1 === text.length) return cells;
    if (text[close + 1] !== ',')
      return 'has text after the quote that closes a cell: quotes inside a cell must be doubled';
    start = close + 2;
  }
}

function findClosingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return -1;
}
