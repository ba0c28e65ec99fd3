import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRequirements, type RequirementOptions } from '../check-requirements.ts';
import { checkFigures } from '../requirement-figures.ts';
import { requirementDocuments } from '../requirement-ids.ts';
import { repositoryRoot } from '../workspace.ts';
import type { TestOutcome } from '../test-results.ts';
import { writeRepository } from './repository-fixture.ts';

const file = 'packages/kv/test/memory.test.ts';
const documents = [{ number: '009', title: 'A document', ids: ['1', '1.1', '10'] }];
const open = { title: 'a', open: 'not yet' };
const whole = { '009/1': open, '009/1.1': open, '009/10': open };

function check(map: unknown, options: Partial<RequirementOptions> = {}): readonly string[] {
  const root = writeRepository({ 'requirements.json': map, [file]: '' });
  return checkRequirements({ root, documents, ...options }).problems.map((one) => one.message);
}

function results(...states: readonly TestOutcome['state'][]): RequirementOptions['results'] {
  return { errors: [], tests: states.map((state) => ({ file, name: 'suite > test', state })) };
}

const naming = (...tests: readonly unknown[]): object => ({ ...whole, '009/10': { title: 'a', tests } });
const named = naming(`${file} > suite > test`);

describe('checkRequirements', () => {
  it('accepts a map of open requirements, and a named test that passed', () => {
    expect(check(whole)).toEqual([]);
    expect(check(named, { results: results('passed') })).toEqual([]);
  });

  it.each([
    ['failed', results('failed'), 'which failed'],
    ['did not run', results(), 'which does not exist or did not run'],
    ['was skipped', results('skipped'), 'which was skipped'],
    ['failed in one of two projects', results('passed', 'failed'), 'which failed'],
  ])('refuses a named test that %s', (_, outcome, message) => {
    expect(check(named, { results: outcome })).toEqual([expect.stringContaining(message)]);
  });

  it('accepts a skipped test only where that is excused, and one that passed in another project', () => {
    expect(check(named, { results: results('skipped'), mayBeSkipped: () => true })).toEqual([]);
    expect(check(named, { results: results('skipped', 'passed') })).toEqual([]);
  });

  it('takes neither a part of a name nor the name in another file for the test', () => {
    for (const name of [`${file} > suite`, `${file} > suite > tes`, `${file} > test`]) {
      expect(check(naming(name), { results: results('passed') })).toEqual([expect.stringContaining('does not exist')]);
    }
    expect(check(naming('packages/kv/test/disk.test.ts > suite > test'))).toEqual([
      expect.stringContaining('whose file does not exist'),
    ]);
    expect(check(naming(file))).toEqual([expect.stringContaining('is a file and no test')]);
  });

  it('refuses a map that misses an id or holds one too many', () => {
    const { '009/10': _, ...others } = whole;
    expect(check({ ...others, '009/2': open })).toEqual(['009/10 has no entry', '009/2 is no id of the documents']);
  });

  it.each([
    [{ title: 'a' }, 'needs either'],
    [{ title: 'a', open: 'no', tests: ['x'] }, 'needs either'],
    [{ title: 'a', open: '' }, 'does not say why'],
    [{ title: 'a', tests: [] }, 'names no tests'],
    [{ title: 'a', tests: 'x' }, 'names no tests'],
    [{ open: 'not yet' }, 'has no title'],
    [{ title: 'a', open: 'x', done: true }, 'unknown member "done"'],
    [null, 'is no object'],
  ])('refuses the entry %j', (entry, message) => {
    expect(check({ ...whole, '009/10': entry })).toEqual([expect.stringContaining(message)]);
  });

  it('refuses a map that is no JSON', () => {
    expect(check('{')).toEqual([expect.stringContaining('cannot be read')]);
  });

  it('refuses a task that is marked done while one of its parts is open', () => {
    const done = { title: 'a', tests: [`${file} > suite > test`] };
    expect(check({ ...whole, '009/1': done })).toEqual([expect.stringContaining('while its part 009/1.1 is open')]);
    expect(check({ ...whole, '009/1': done, '009/1.1': done })).toEqual([]);
  });

  it('counts done and open', () => {
    const root = writeRepository({ 'requirements.json': named, [file]: '' });
    expect(checkRequirements({ root, documents }).figures?.table).toContain('| 009 A document | 1    | 2    | 3   |');
  });

  it('knows as many ids as the five documents hold', () => {
    expect(requirementDocuments.map(({ ids }) => ids.length)).toEqual([34, 153, 60, 61, 132]);
    const map = JSON.parse(readFileSync(join(repositoryRoot, 'requirements.json'), 'utf8'));
    expect(Object.keys(map)).toEqual(
      requirementDocuments.flatMap(({ number, ids }) => ids.map((id) => `${number}/${id}`)),
    );
  });
});

describe('the figures on the pages', () => {
  const page = (text: string): string =>
    `# A page\n\n<!-- requirements -->\n${text}\n<!-- /requirements -->\n\nThe end.\n`;
  const stale = { 'ROADMAP.md': page('57 %'), 'README.md': page('57 %') };

  const figuresOf = (root: string) => {
    const { figures } = checkRequirements({ root, documents });
    if (figures === undefined) throw new Error('the map cannot be read');
    return figures;
  };
  const write = (pages: Readonly<Record<string, string>>) =>
    writeRepository({ 'requirements.json': named, [file]: '', ...pages });
  const show = (root: string, mends = false) =>
    checkFigures(root, figuresOf(root), mends).map(({ where, message }) => `${where} ${message}`);
  const other = 'shows other figures than the map: run "npm run requirements -- --write"';

  it('are refused when they are not those of the map, on the roadmap and on the front page', () => {
    expect(show(write(stale))).toEqual([`ROADMAP.md ${other}`, `README.md ${other}`]);
  });

  it('are written on demand, around which nothing changes, and are right until the map changes', () => {
    const root = write(stale);
    expect(show(root, true)).toEqual([]);
    expect(show(root)).toEqual([]);
    const [roadmap, front] = ['ROADMAP.md', 'README.md'].map((name) => readFileSync(join(root, name), 'utf8'));
    expect(roadmap).toContain('| 009 A document | 1    | 2    | 3   | 33 %        |');
    expect(front).toContain('| A document             | ██████░░░░░░░░░░░░░░ 33 % |');
    for (const text of [roadmap, front]) expect(text).toMatch(/^# A page\n\n<!-- [^]*-->\n\nThe end\.\n$/);
    writeFileSync(join(root, 'requirements.json'), JSON.stringify(whole));
    expect(show(root)).toEqual([`ROADMAP.md ${other}`, `README.md ${other}`]);
  });

  it.each(['ROADMAP.md', 'README.md'])('are missed where %s has no place for them', (name) => {
    const root = write({ ...stale, [name]: '# A page\n' });
    expect(show(root, true)).toEqual([`${name} has no section <!-- requirements -->`]);
  });

  it('are full only when nothing is open', () => {
    const ids = Array.from({ length: 200 }, (_, index) => String(index));
    const many = [{ number: '009', title: 'Many', ids }];
    const mapOf = (done: number) =>
      Object.fromEntries(ids.map((id, index) => [`009/${id}`, index < done ? { title: 'a', tests: ['x'] } : open]));
    const summaryOf = (done: number) =>
      checkRequirements({ root: writeRepository({ 'requirements.json': mapOf(done) }), documents: many }).figures
        ?.summary;
    expect(summaryOf(199)).toContain('███████████████████░ 99 %');
    expect(summaryOf(200)).toContain('████████████████████ 100 %');
    expect(summaryOf(1)).toContain('░░░░░░░░░░░░░░░░░░░░ 0 %');
  });

  it('of this repository are those of its map', () => {
    const { figures } = checkRequirements({ root: repositoryRoot });
    expect(figures && checkFigures(repositoryRoot, figures, false)).toEqual([]);
  });
});
