import { describe, expect, it } from 'vitest';
import { checkSizes, sizeLimits } from '../check-sizes.ts';
import { measureCode } from '../code-lines.ts';
import { writeRepository } from './repository-fixture.ts';

const kv = { 'packages/kv/package.json': { name: '@tenon/kv' } };
const statements = (count: number): string =>
  Array.from({ length: count }, (_, at) => `export const a${at} = ${at};`).join('\n');
const functionOf = (lines: number): string => `export function big(): void {\n${'  work();\n'.repeat(lines - 2)}}\n`;

function check(files: Readonly<Record<string, string>>, exempt: { path: string; reason: string }[] = []) {
  const { problems, warnings } = checkSizes(writeRepository({ ...kv, ...files }), exempt);
  const show = (list: typeof problems): readonly string[] => list.map(({ where, message }) => `${where} ${message}`);
  return { problems: show(problems), warnings: show(warnings) };
}

describe('measureCode', () => {
  it('counts neither blank lines nor comments of any kind', () => {
    const text = [
      '/** A doc comment',
      ' * of two lines. */',
      'export const a = 1; // trailing',
      '',
      '   ',
      '// alone',
      '/* block',
      '   of two */ export const b = /* inside */ 2;',
      'export const url = "http://example.com"; /* to the',
      '   next line */',
    ].join('\n');
    expect(measureCode('a.ts', text).codeLines).toBe(3);
  });

  it('counts what looks like a comment in a string, a template or an expression', () => {
    const text = [
      'const a = `',
      '// no comment',
      '',
      '${1 /* one */}`;',
      'const b = /\\/\\//;',
      `const c = '/*';`,
    ].join('\n');
    expect(measureCode('a.ts', text).codeLines).toBe(5);
  });

  it('measures every kind of function under its name, with what is inside it', () => {
    const text = `
      export function outer() {
        const inner = () => {
          // why
          return 1;
        };
        return inner;
      }
      export const object = {
        method() { return 1; },
        get size() {
          return 2;
        },
      };
      class Pool { constructor() { this.close(); } close() {} }
      declare function shape(): void;
    `;
    const sizes = measureCode('a.ts', text).functions.map(
      ({ name, line, codeLines }) => `${name}@${line}: ${codeLines}`,
    );
    expect(sizes).toEqual([
      'outer@2: 6',
      'inner@3: 3',
      'method@10: 1',
      'size@11: 3',
      'constructor@15: 1',
      'close@15: 1',
    ]);
  });
});

describe('checkSizes', () => {
  it('accepts a file at the limit and refuses one line more', () => {
    expect(check({ 'packages/kv/src/a.ts': statements(sizeLimits.fileError) }).problems).toEqual([]);
    expect(check({ 'packages/kv/src/a.ts': statements(sizeLimits.fileError + 1) }).problems).toEqual([
      expect.stringContaining('packages/kv/src/a.ts 401 lines of code, limit 400'),
    ]);
  });

  it('warns of a file that grows', () => {
    const { problems, warnings } = check({ 'packages/kv/src/a.ts': statements(sizeLimits.fileWarning + 1) });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('packages/kv/src/a.ts 251 lines')]);
  });

  it('accepts a function at the limit and refuses one line more', () => {
    expect(check({ 'packages/kv/src/a.ts': functionOf(sizeLimits.function) }).problems).toEqual([]);
    expect(check({ 'packages/kv/src/a.ts': `\n${functionOf(sizeLimits.function + 1)}` }).problems).toEqual([
      expect.stringContaining('packages/kv/src/a.ts:2 big has 61 lines of code, limit 60'),
    ]);
  });

  it('measures scripts and benchmarks, and leaves out tests', () => {
    const long = statements(401);
    const found = check({
      'scripts/a.ts': long,
      'bench/b.ts': long,
      'scripts/test/c.ts': long,
      'packages/kv/test/d.ts': long,
    });
    expect(found.problems).toHaveLength(2);
  });

  it('passes over an exempt file, and refuses an exemption for a file that is gone', () => {
    const reason = 'generated';
    expect(
      check({ 'packages/kv/src/a.ts': statements(401) }, [{ path: 'packages/kv/src/a.ts', reason }]).problems,
    ).toEqual([]);
    expect(check({}, [{ path: 'packages/kv/src/gone.ts', reason }]).problems).toEqual([
      expect.stringContaining('packages/kv/src/gone.ts is exempt (generated) and does not exist'),
    ]);
  });
});
