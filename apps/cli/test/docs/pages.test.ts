import { scopesByRole, type Role } from '@tenon/server';
import { describe, expect, it } from 'vitest';
import { blocksIn, blocksOf, languages, listPages, placeOf, readPage } from './pages.ts';
import { replacements } from './replacements.ts';
import { shellPages } from './run-page.ts';

describe('the pages', () => {
  it('say of each block what it is', () => {
    const unknown = listPages()
      .flatMap(blocksOf)
      .filter(({ language }) => !(languages as readonly string[]).includes(language));
    expect(unknown.map(placeOf)).toEqual([]);
  });

  it('with commands are all run, and none twice', () => {
    const pages = [...new Set(blocksIn('sh').map(({ page }) => page))];
    expect(Object.values(shellPages).flat().toSorted()).toEqual(pages.toSorted());
  });

  it('with SQL or answers are pages whose test runs them', () => {
    expect([...new Set(blocksIn('sql').map(({ page }) => page))]).toEqual(['docs/how-to/run-on-postgresql.md']);
    const shown = new Set(blocksIn('json').map(({ page }) => page));
    for (const page of Object.values(shellPages).flat()) shown.delete(page);
    expect([...shown]).toEqual(['docs/reference/http-api.md']);
  });

  it('hold what is replaced when they run', () => {
    for (const { shown, page } of replacements) {
      const holders = listPages().filter((one) => blocksOf(one).some(({ text }) => text.includes(shown)));
      expect(holders, shown).not.toEqual([]);
      if (page !== undefined) expect(holders, shown).toContain(page);
    }
  });

  it('of docs are all in the contents', () => {
    const contents = [...readPage('docs/README.md').matchAll(/\]\(([^)]+)\)/g)].map(
      ([, target = '']) => `docs/${target}`,
    );
    const pages = listPages().filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
    expect(contents.toSorted()).toEqual(pages.toSorted());
  });

  it('tell who may do what as the server decides it', () => {
    const rows = [...readPage('docs/reference/roles.md').matchAll(/^\| `(\S+)` +\|(.*)\|.*\|$/gm)];
    const roles = ['owner', 'admin', 'member', 'viewer'] as const satisfies readonly Role[];
    const told = roles.map((role, column) => [
      role,
      rows
        .filter((row) => row[2]?.split('|')[column]?.trim() === '✓')
        .map((row) => row[1])
        .toSorted(),
    ]);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(roles.map((role) => [role, [...scopesByRole[role]].toSorted()])),
    );
  });
});
