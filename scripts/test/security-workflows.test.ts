import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../workspace.ts';
import { at, keysOf } from './block-yaml.ts';

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');
const security = read('.github/workflows/security.yml');
const codeql = read('.github/workflows/codeql.yml');

describe.each([
  ['security.yml', security],
  ['codeql.yml', codeql],
])('the workflow %s', (_name, workflow) => {
  const jobs = at(workflow, 'jobs') ?? '';

  it('runs for every change that is proposed, for the main branch, and every week', () => {
    expect(keysOf(at(workflow, 'on') ?? '')).toEqual(['push', 'pull_request', 'schedule']);
    expect(at(workflow, 'on', 'push', 'branches')).toBe('[main]');
    expect(at(workflow, 'on', 'pull_request')).toBe('');
    expect(at(workflow, 'on', 'schedule')).toMatch(/^- cron: '\d+ \d+ \* \* [0-6]'$/);
  });

  it('may read, and keeps no credentials of the repository', () => {
    expect(at(workflow, 'permissions')).toBe('contents: read');
    expect(workflow).not.toMatch(/secrets\.|pull_request_target/);
    const checkouts = workflow.match(/actions\/checkout@/g) ?? [];
    expect(checkouts.length).toBeGreaterThan(0);
    expect(workflow.match(/persist-credentials: false/g)).toHaveLength(checkouts.length);
  });

  it('takes actions of a major version each, of GitHub alone', () => {
    const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action);
    for (const action of actions) expect(action).toMatch(/^(?:actions|github\/codeql-action)\/[\w-]+@v\d+$/);
  });

  it('gives each job an end, and lets none fail unseen', () => {
    for (const job of keysOf(jobs)) {
      const minutes = Number(at(jobs, job, 'timeout-minutes'));
      expect(minutes, job).toBeGreaterThan(0);
      expect(minutes, job).toBeLessThanOrEqual(30);
    }
    expect(at(workflow, 'concurrency', 'cancel-in-progress')).toBe('true');
    expect(workflow).not.toMatch(/continue-on-error|\|\| true|^ *(- )?if:/m);
  });
});

describe('the workflow for security', () => {
  const jobs = at(security, 'jobs') ?? '';

  it('asks for known holes in dependencies, lints, and keeps a bill of materials', () => {
    expect(keysOf(jobs)).toEqual(['dependencies', 'sources', 'bill-of-materials']);
    expect(at(jobs, 'dependencies', 'steps')).toMatch(/^- run: npm audit --omit=dev --audit-level=high$/m);
    expect(at(jobs, 'dependencies', 'steps')).toMatch(/^- run: npm audit signatures$/m);
    expect(at(jobs, 'sources', 'steps')).toMatch(/^- run: npm run lint:security$/m);
    expect(at(jobs, 'bill-of-materials', 'steps')).toMatch(/^- run: npm run -s sbom > tenon\.cdx\.json$/m);
    expect(security.match(/permissions:/g)).toHaveLength(1);
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    for (const [, name = ''] of security.matchAll(/npm run (?:-s )?([\w:]+)/g))
      expect(scripts[name], name).toBeDefined();
  });
});

describe('the analysis by CodeQL', () => {
  it('is of the language of this repository, with the queries for security, and writes what it finds and nothing else', () => {
    const analyze = at(codeql, 'jobs', 'analyze') ?? '';
    expect(at(analyze, 'permissions')).toBe('contents: read\nsecurity-events: write');
    expect(codeql).toMatch(/languages: javascript-typescript/);
    expect(codeql).toMatch(/queries: security-extended/);
  });
});
