import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../workspace.ts';

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');
const page = read('docs/explanation/security-audit.md');

/** The cells of each row below the heading of a table. */
const rowsOf = (heading: string): readonly (readonly string[])[] => {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
};

describe('the page of the security audit', () => {
  const findings = rowsOf('Findings');

  it('leaves nothing open that is high or medium, and has a test for all that was mended', () => {
    expect(findings.length).toBeGreaterThan(15);
    for (const [severity = '', what = '', state = ''] of findings) {
      expect(['high', 'medium', 'low'], what).toContain(severity);
      expect(state, what).toMatch(severity === 'low' ? /^(?:mended|accepted)/ : /^mended/);
      expect(state.startsWith('mended'), what).toBe(/\]\(\.\.\/\.\.\/\S+\/test\/\S+\)/.test(state));
    }
  });

  it('names commands that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const commands = rowsOf('How to repeat it').map(([command = '']) => command.replaceAll('`', ''));
    const named = commands.flatMap((command) => /^npm run (?:-s )?([\w:]+)$/.exec(command)?.slice(1) ?? []);
    expect(named).toEqual(['lint:security', 'check', 'sbom']);
    for (const name of named) expect(scripts[name], name).toBeDefined();
    const runs = commands.flatMap((command) => {
      const [, project, filters = ''] = /^npx vitest run --project (\w+)(.*)$/.exec(command) ?? [];
      return project === undefined ? [] : [[project, filters.trim().split(' ')] as const];
    });
    expect(runs).toHaveLength(4);
    for (const [project, filters] of runs) {
      const files = globSync(`{packages,apps}/${project}/test/**/*.test.ts`, { cwd: repositoryRoot });
      for (const filter of filters)
        expect(
          files.filter((file) => file.includes(filter)),
          filter,
        ).not.toEqual([]);
    }
    const others = commands.length - named.length - runs.length;
    expect([others, commands.at(-1)]).toEqual([1, 'npm audit --omit=dev --audit-level=high']);
  });
});
