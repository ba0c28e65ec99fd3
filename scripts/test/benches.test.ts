import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { readFloors } from '../bench-floors.ts';
import { repositoryRoot } from '../workspace.ts';

/** What a bench prints: `BenchResult` of bench/result.ts. */
interface BenchResult {
  readonly ours: Readonly<Record<string, number>>;
  readonly peers: object;
  readonly ratios: object;
}

const NOT_BENCHES = ['main.ts', 'result.ts'];
const NEED_NO_DATABASE = ['seal', 'boot'];
const names = readdirSync(join(repositoryRoot, 'bench'))
  .filter((file) => file.endsWith('.ts') && !NOT_BENCHES.includes(file))
  .map((file) => file.slice(0, -'.ts'.length));

const limits = readFloors(join(repositoryRoot, 'bench', 'floors.json'));

async function bench(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = join(repositoryRoot, 'bench', 'main.ts');
  const child = spawn(process.execPath, ['--conditions=@tenon/source', main, ...args], { cwd: repositoryRoot });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number, stdout, stderr };
}

const leaves = (figure: number | object): readonly number[] =>
  typeof figure === 'number' ? [figure] : Object.values(figure).flatMap((one: number | object) => leaves(one));

// A little of everything: what is measured must work, and at 100 connections no request may fail. How fast it is, is not
// a matter for a test.
describe('the benches', () => {
  it.for(names)('%s runs, and prints one JSON object', { timeout: 120_000 }, async (name, context) => {
    if (!NEED_NO_DATABASE.includes(name) && !process.env['TENON_TEST_POSTGRES_URL']) {
      context.skip('PostgreSQL: TENON_TEST_POSTGRES_URL is not set');
    }
    const { code, stdout, stderr } = await bench(name, '--json', '--quick');
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const result = JSON.parse(stdout) as BenchResult;
    expect(result).toEqual({
      name,
      unit: expect.any(String),
      ours: expect.anything(),
      peers: expect.any(Object),
      ratios: expect.any(Object),
      runs: expect.any(Number),
      machine: expect.stringMatching(/Node v\d+/),
    });
    // What is held to a limit must be reported.
    expect(Object.keys(result.ratios)).toEqual(expect.arrayContaining(Object.keys(limits[name] ?? {})));
    const figures = [...leaves(result.ours), ...leaves(result.peers), ...leaves(result.ratios)];
    expect(figures.length).toBeGreaterThan(0);
    expect(figures.every((figure) => Number.isFinite(figure))).toBe(true);
    const failures = Object.entries(result.ours).filter(([one]) => one.endsWith('failures'));
    expect(failures.filter(([, count]) => count !== 0)).toEqual([]);
  });
});
