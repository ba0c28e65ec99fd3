import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLines, type Line } from '../../src/import/read-lines.ts';
import type { SourceRow } from '../../src/import/source-row.ts';
import { createCsvSplitter } from '../../src/import/split-csv.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-csv-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function toLines(text: string): Line[] {
  const lines: Line[] = [];
  let offset = 0;
  for (const [index, part] of text.split('\n').entries()) {
    const bytes = Buffer.from(part);
    offset += bytes.length + 1;
    lines.push({ bytes, number: index + 1, end: { offset, line: index + 2 }, isCut: false });
  }
  // The line feed at the end of a text begins no line.
  if (text.endsWith('\n') || text === '') lines.pop();
  return lines;
}

/** Splits in blocks of some lines each, as a file is read. */
function split(text: string, blockLines = Number.POSITIVE_INFINITY): readonly SourceRow[] {
  const lines = toLines(text);
  const splitter = createCsvSplitter();
  const rows: SourceRow[] = [];
  for (let at = 0; at < lines.length; at += blockLines) rows.push(...splitter(lines.slice(at, at + blockLines), false));
  return [...rows, ...splitter([], true)];
}

const cellsOf = (text: string): readonly (readonly string[])[] => split(text).map(({ cells }) => cells);

describe('CSV rows', () => {
  it('are split at commas, with empty cells kept', () => {
    expect(cellsOf('a,b,c\n,,\nx,,z')).toEqual([
      ['a', 'b', 'c'],
      ['', '', ''],
      ['x', '', 'z'],
    ]);
  });

  it('may be quoted, with commas, line breaks and doubled quotes inside', () => {
    expect(cellsOf('"a,b","say ""hi""","two\nlines"\nnext,row,""')).toEqual([
      ['a,b', 'say "hi"', 'two\nlines'],
      ['next', 'row', ''],
    ]);
  });

  it('may end with CRLF, which is kept inside quotes', () => {
    expect(cellsOf('a,b\r\n"one\r\ntwo",c\r\n')).toEqual([
      ['a', 'b'],
      ['one\r\ntwo', 'c'],
    ]);
  });

  it('are not made of empty lines', () => {
    expect(split('\n\na,b\n\r\n\nc,d\n').map(({ line }) => line)).toEqual([3, 6]);
  });

  it('tell the line on which they begin and where the next one begins', () => {
    const rows = split('a,"x\ny"\nb,z\n');
    expect(rows.map(({ line, end }) => ({ line, end }))).toEqual([
      { line: 1, end: { offset: 8, line: 3 } },
      { line: 3, end: { offset: 12, line: 4 } },
    ]);
  });

  it('come back as they were written, whatever is in the cells and however the file is cut into blocks', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ü', '💶', "'"), maxLength: 8 });
    const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.integer({ min: 1, max: 4 }), (rows, lineEnd, blockLines) => {
        const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const text = rows.map((cells) => cells.map(quote).join(',') + lineEnd).join('');
        expect(split(text, blockLines).map(({ cells, problem }) => ({ cells, problem }))).toEqual(
          rows.map((cells) => ({ cells, problem: undefined })),
        );
      }),
    );
  });
});

describe('malformed CSV', () => {
  it('costs one line: reading goes on at the next', () => {
    const rows = split('a,1\nb"x,2\nc,3\n"d"e,4\nf,5\n');
    expect(rows.map(({ line, problem }) => [line, problem === undefined])).toEqual([
      [1, true],
      [2, false],
      [3, true],
      [4, false],
      [5, true],
    ]);
  });

  it('with a quote that is never closed does not swallow the rest of the file', () => {
    const rows = split(`a,1\n"b,2\n${'c,3\n'.repeat(10)}`, 3);
    expect(rows.filter(({ problem }) => problem !== undefined).map(({ line }) => line)).toEqual([2]);
    expect(rows).toHaveLength(12);
  });

  it('with a quote open for more than 1 MiB does not wait for the end of the file', () => {
    const splitter = createCsvSplitter();
    const lines = toLines(`"a,1\n${`${'x'.repeat(1023)}\n`.repeat(1025)}`);
    const rows = splitter(lines, false);
    expect(rows[0]).toMatchObject({ line: 1, problem: expect.stringContaining('not closed') as string });
    expect(rows).toHaveLength(1026);
  });

  it('loses no line, whatever the text is: each is empty or part of exactly one row', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 5 }), (content, blockLines) => {
        const covered = split(content, blockLines).flatMap(({ line, end }) =>
          Array.from({ length: end.line - line }, (_, index) => line + index),
        );
        const wanted = toLines(content).filter(({ bytes }) => !/^\r?$/.test(bytes.toString()));
        expect(new Set(covered).size).toBe(covered.length);
        for (const { number } of wanted) expect(covered).toContain(number);
      }),
    );
  });
});

describe('lines of a file', () => {
  const readAll = async (content: string | Uint8Array, from = { offset: 0, line: 1 }): Promise<Line[]> => {
    const path = join(folder, 'lines.txt');
    writeFileSync(path, content);
    const file = await open(path, 'r');
    try {
      const lines: Line[] = [];
      for await (const block of readLines(file, from)) lines.push(...block);
      return lines;
    } finally {
      await file.close();
    }
  };

  it('are whole across the borders of what is read at once', async () => {
    const wanted = Array.from({ length: 40_000 }, (_, index) => `line ${index} with ä and 💶`);
    const lines = await readAll(wanted.join('\n'));
    expect(lines.map(({ bytes }) => bytes.toString())).toEqual(wanted);
  });

  it('can be read from the end of any earlier one', async () => {
    const text = 'one\ntwo\r\n\nfour';
    for (const { end, number } of await readAll(text)) {
      const rest = await readAll(text, end);
      expect(rest.map((line) => line.number)).toEqual([1, 2, 3, 4].filter((each) => each > number));
      expect(rest.map(({ bytes }) => bytes.toString()).join('\n')).toBe(text.slice(end.offset));
    }
  });

  it('longer than 1 MiB are told and not kept', async () => {
    const lines = await readAll(`a\n${'x'.repeat(3_000_000)}\nb\n${'y'.repeat(1_500_000)}`);
    expect(lines.map(({ number, isCut, bytes }) => [number, isCut, bytes.length])).toEqual([
      [1, false, 1],
      [2, true, 1_000],
      [3, false, 1],
      [4, true, 1_000],
    ]);
    expect(lines.at(-1)?.end.offset).toBe(2 + 3_000_001 + 2 + 1_500_000);
  });
});
