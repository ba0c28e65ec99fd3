import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listWorkspaces, repositoryRoot } from '../workspace.ts';

const page = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');

const sectionOf = (title: string): string =>
  page
    .split(/^## /m)
    .find((section) => section.startsWith(`${title}\n`))
    ?.slice(title.length) ?? '';

/** The table of packages: name, what it owns, state. */
const rows = sectionOf('Packages')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, name = '', owns = '', state = '']) => ({ name, owns, state }));

describe('the front page', () => {
  it('marks every package and app as usable or new, and says what that means', () => {
    const state = (folder: string, name: string) =>
      rows.find((row) => row.name === `[\`${name}\`](${folder}/README.md)` || row.name === `\`${folder}\``)?.state;
    const marks = listWorkspaces(repositoryRoot).map(({ folder, name }) => [folder, state(folder, name)]);
    expect(marks.filter(([, mark]) => mark !== 'usable' && mark !== 'new')).toEqual([]);
    const meanings = [...sectionOf('Packages').matchAll(/^- \*\*(\w+)\*\*: \S/gm)].map(([, mark]) => mark);
    expect(new Set(meanings)).toEqual(new Set(rows.map((row) => row.state)));
  });

  it('marks as planned what is not there', () => {
    const planned = rows.filter((row) => row.state === 'planned');
    expect(planned.length).toBeGreaterThan(0);
    const folders = listWorkspaces(repositoryRoot).map(({ folder }) => folder.split('/').at(-1));
    const parts = planned.flatMap(({ owns }) => owns.split(', '));
    expect(parts.filter((part) => folders.includes(part))).toEqual([]);
    expect(planned.filter(({ name }) => name.includes('`'))).toEqual([]);
  });

  it('lists its limits, and leads to the roadmap', () => {
    expect(sectionOf('Limits, honestly').match(/^- \S/gm)?.length).toBeGreaterThan(3);
    expect(sectionOf('How far it is')).toContain('[ROADMAP.md](ROADMAP.md)');
  });
});
