import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coverageThresholds } from '../coverage-thresholds.ts';
import { staticChecks } from '../static-checks.ts';
import { repositoryRoot } from '../workspace.ts';
import { at, keysOf } from './block-yaml.ts';

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');

const workflow = read('.github/workflows/test.yml');
const jobs = at(workflow, 'jobs') ?? '';

describe('continuous integration', () => {
  it('runs for every change that is proposed, and for the main branch', () => {
    expect(keysOf(at(workflow, 'on') ?? '')).toEqual(['push', 'pull_request']);
    expect(at(workflow, 'on', 'push', 'branches')).toBe('[main]');
    expect(at(workflow, 'on', 'pull_request')).toBe('');
  });

  it('has a job for all tests and one for benches, of which neither may fail unseen', () => {
    expect(keysOf(jobs)).toEqual(['test', 'bench']);
    expect(at(jobs, 'test', 'steps')).toMatch(/^- run: \.ci\/run$/m);
    expect(at(jobs, 'bench', 'steps')).toMatch(/^- run: npm run -s bench:check$/m);
    expect(workflow).not.toMatch(/continue-on-error|\|\| true|^ *(- )?if:/m);
  });

  it('may read, and nothing else', () => {
    expect(at(workflow, 'permissions')).toBe('contents: read');
    expect(workflow.match(/permissions:/g)).toHaveLength(1);
    expect(workflow.match(/actions\/checkout@/g)).toHaveLength(2);
    expect(workflow.match(/persist-credentials: false/g)).toHaveLength(2);
    expect(workflow).not.toMatch(/secrets\./);
  });

  it('gives each job an end, and ends runs that a newer change has overtaken', () => {
    for (const job of keysOf(jobs)) {
      const minutes = Number(at(jobs, job, 'timeout-minutes'));
      expect(minutes).toBeGreaterThan(0);
      expect(minutes).toBeLessThanOrEqual(30);
    }
    expect(at(workflow, 'concurrency', 'cancel-in-progress')).toBe('true');
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    for (const [name, file] of Object.entries({ test: 'scripts/test.ts', 'bench:check': 'scripts/check-benches.ts' })) {
      expect(scripts[name]).toBe(`node scripts/bootstrap.mjs ${file}`);
      expect(() => accessSync(join(repositoryRoot, file))).not.toThrow();
    }
  });
});

describe('the run of all tests', () => {
  it('is one program, which may skip no test for a missing server', () => {
    expect(() => accessSync(join(repositoryRoot, '.ci', 'run'), constants.X_OK)).not.toThrow();
    const program = read('.ci/run');
    expect(program).toMatch(/^set -euo pipefail$/m);
    expect(program).toMatch(/^export TENON_REQUIRE_SERVICES=.*postgres,redis/m);
    expect(program.trimEnd()).toMatch(/\nexec npm test$/);
  });

  it('holds format, lint and types', () => {
    const commands = staticChecks.map(({ command, args }) => [command.split('/').at(-1), ...args].join(' '));
    expect(commands).toEqual(expect.arrayContaining(['oxfmt --check .', 'oxlint --deny-warnings', 'tsc -b']));
  });

  it('measures coverage, and fails below its thresholds', () => {
    expect(read('scripts/test.ts')).toMatch(/'run', '--coverage'/);
    expect(read('vitest.config.ts')).toMatch(/^ +thresholds: coverageThresholds,$/m);
    const lines = Object.values(coverageThresholds).map((threshold) => threshold.lines);
    expect(lines.length).toBeGreaterThan(0);
    expect(Math.min(...lines)).toBeGreaterThanOrEqual(80);
  });
});
