import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { readFloors } from '../bench-floors.ts';
import { repositoryRoot } from '../workspace.ts';
import { writeRepository } from './repository-fixture.ts';

const floors = {
  pool: { 'ours / theirs': { floor: 2, goal: 3 }, 'select 1 / pg.Pool': { floor: 0.9 } },
  memory: { 'all / 1 MB': { ceiling: 1.2, goal: 1 } },
};
const good = { name: 'pool', ratios: { 'ours / theirs': 2, 'select 1 / pg.Pool': 0.97, 'of no limit': 0 } };
const light = { name: 'memory', ratios: { 'all / 1 MB': 1 } };

interface Files {
  readonly floors?: unknown;
  /** Texts of files with results. */
  readonly printed?: readonly string[];
  readonly args?: readonly string[];
}

/** Runs the command as `npm run bench:check` does, over figures of other days. */
async function run({ floors: limits = floors, printed = [], args = [] }: Files) {
  const names = printed.map((_, index) => `result-${index}.json`);
  const files = Object.fromEntries(names.map((name, index) => [name, printed[index]]));
  const root = writeRepository({ 'floors.json': limits, ...files });
  const from = names.flatMap((name) => ['--from', join(root, name)]);
  const program = join(repositoryRoot, 'scripts', 'check-benches.ts');
  const all = ['--conditions=@tenon/source', program, '--floors', join(root, 'floors.json'), ...from, ...args];
  const child = spawn(process.execPath, all, { cwd: root });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number, stdout, stderr };
}

const line = (result: object): string => `${JSON.stringify(result)}\n`;
const withRatios = (ratios: object) => line({ ...good, ratios: { ...good.ratios, ...ratios } });

describe('the check of benches', () => {
  it('passes at the limit and beyond it on the good side, and shows all ratios', async () => {
    const { code, stdout, stderr } = await run({ printed: [line(good), line(light)] });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.trimEnd().split('\n').slice(2)).toEqual([
      '| pool   | ours / theirs      | 2        | >= 2   | 3    | ✓ within its limit |',
      '| pool   | select 1 / pg.Pool | 0.97     | >= 0.9 |      | ✓ within its limit |',
      '| memory | all / 1 MB         | 1        | <= 1.2 | 1    | ✓ goal met         |',
    ]);
  });

  it('fails below a floor, and names what fell', async () => {
    const { code, stdout, stderr } = await run({ printed: [withRatios({ 'ours / theirs': 1.99 }) + line(light)] });
    expect(code).toBe(1);
    expect(stdout).toContain('| pool   | ours / theirs      | 1.99     | >= 2   | 3    | ✗ regression       |');
    expect(stderr).toBe('\nbeyond its limit: "ours / theirs" of pool\n');
  });

  it('fails above a ceiling', async () => {
    const heavy = line({ ...light, ratios: { 'all / 1 MB': 1.21 } });
    const { code, stderr } = await run({ printed: [heavy] });
    expect([code, stderr]).toEqual([1, '\nbeyond its limit: "all / 1 MB" of memory\n']);
  });

  it('takes the best of several runs of a bench', async () => {
    const slow = withRatios({ 'ours / theirs': 1 });
    expect((await run({ printed: [slow, line(good)] })).code).toBe(0);
    expect((await run({ printed: [slow, slow] })).code).toBe(1);
  });

  it.each([
    ['lacks', { name: 'pool', ratios: { 'ours / theirs': 9 } }],
    ['has no number for', { name: 'pool', ratios: { 'ours / theirs': 9, 'select 1 / pg.Pool': null } }],
  ])('cannot say anything when a result %s a ratio with a limit', async (_, result) => {
    const { code, stderr } = await run({ printed: [line(result)] });
    expect(code).toBe(2);
    expect(stderr).toContain('not measured: "select 1 / pg.Pool" of pool');
  });

  it.each([
    ['a file without results', { printed: ['\n'] }, 'there is no result of a bench'],
    ['a file with something else', { printed: ['{}\n'] }, 'there is no result of a bench'],
    ['a table for people', { printed: ['pool: median of 9 runs\n'] }, 'a line is no result of a bench'],
    ['a result without limits', { printed: [line({ name: 'boot', ratios: {} })] }, 'no limits for a bench "boot"'],
    ['a bench without limits', { args: ['boot'] }, 'no limits for a bench "boot"'],
    ['limits that are none', { floors: { pool: { a: { goal: 1 } } } }, '"a" of "pool" needs a number'],
    ['two limits', { floors: { pool: { a: { floor: 1, ceiling: 2 } } } }, '"a" of "pool" needs a number'],
    ['a misspelt limit', { floors: { pool: { a: { flor: 1 } } } }, '"a" of "pool" needs a number'],
    ['a goal that is none', { floors: { pool: { a: { floor: 1, goal: '2' } } } }, '"a" of "pool" needs a number'],
    ['an option that it does not know', { args: ['--form'] }, 'usage:'],
  ])('refuses %s', async (_, files, message) => {
    const { code, stderr } = await run(files);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('runs the bench itself when it is not given what one printed', { timeout: 60_000 }, async () => {
    const impossible = { seal: { 'fernet / npm fernet': { floor: 1_000_000 } } };
    const { code, stdout, stderr } = await run({ floors: impossible, args: ['seal', '--quick'] });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\| seal +\| fernet \/ npm fernet \| [\d.]+ +\| >= 1000000 \| +\| ✗ regression \|/);
    expect(stderr).toBe('seal again\n\nbeyond its limit: "fernet / npm fernet" of seal\n');
  });
});

describe('the limits of this repository', () => {
  const limits = readFloors(join(repositoryRoot, 'bench', 'floors.json'));

  it('are of benches that there are', () => {
    expect(Object.keys(limits)).not.toEqual([]);
    for (const name of Object.keys(limits)) expect(existsSync(join(repositoryRoot, 'bench', `${name}.ts`))).toBe(true);
  });

  it('hold the times of acquiring, and the weight of what is registered, to their goals', () => {
    expect(limits['resource-miss']).toMatchObject({
      'first acquire p99 / 100 ms': { ceiling: 1 },
      'hit p99 / 10 ms': { ceiling: 1 },
    });
    expect(limits['pool']).toMatchObject({ 'hit p99 / 10 µs': { ceiling: 1 } });
    expect(limits['resources-memory']).toMatchObject({ '1,000 registered / 1 MB': { ceiling: 1 } });
  });
});
