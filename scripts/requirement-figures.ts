import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable, replaceSection } from './markdown.ts';
import type { RequirementDocument } from './requirement-ids.ts';
import type { Problem } from './workspace.ts';

/** How far the requirements are, as pages show it. */
export interface RequirementFigures {
  /** Document by document: done, open, all. For the roadmap. */
  readonly table: string;
  /** The same at a glance. For the front page. */
  readonly summary: string;
}

const barLength = 20;

/** Renders the figures of a map whose entries are done when they name tests. */
export function renderFigures(
  documents: readonly RequirementDocument[],
  entries: ReadonlyMap<string, unknown>,
): RequirementFigures {
  const rows = documents.map(({ number, title, ids }) => {
    const done = ids.filter((id) => isDone(entries.get(`${number}/${id}`))).length;
    return { number, title, done, all: ids.length };
  });
  const sum = (column: 'done' | 'all'): number => rows.reduce((total, row) => total + row[column], 0);
  const total = { number: '', title: 'all', done: sum('done'), all: sum('all') };
  return {
    table: markdownTable(
      ['document', 'done', 'open', 'all', 'done of all'],
      [...rows, total].map(({ number, title, done, all }) => [
        `${number} ${title}`.trim(),
        String(done),
        String(all - done),
        String(all),
        `${percent(done, all)} %`,
      ]),
    ),
    summary: markdownTable(
      ['what was set out to do', 'proven by tests'],
      [...rows, total].map(({ title, done, all }) => [title, `${bar(percent(done, all))} ${percent(done, all)} %`]),
    ),
  };
}

const isDone = (entry: unknown): boolean => typeof entry === 'object' && entry !== null && 'tests' in entry;

const percent = (done: number, all: number): number => (all === 0 ? 100 : Math.floor((done / all) * 100));

// Rounded down, as the figure beside it: it is full when nothing is missing.
function bar(percentDone: number): string {
  const full = Math.floor((percentDone / 100) * barLength);
  return `${'█'.repeat(full)}${'░'.repeat(barLength - full)}`;
}

/** The pages that show figures, between `<!-- requirements -->` and `<!-- /requirements -->`. */
const pages = { 'ROADMAP.md': 'table', 'README.md': 'summary' } as const;

/**
 * Checks that the roadmap and the front page show how far the map is.
 *
 * @param write - makes them do so instead
 */
export function checkFigures(root: string, figures: RequirementFigures, write: boolean): readonly Problem[] {
  return Object.entries(pages).flatMap(([page, part]) => checkPage(root, page, figures[part], write));
}

function checkPage(root: string, page: string, content: string, write: boolean): readonly Problem[] {
  const file = join(root, page);
  const text = readFileSync(file, 'utf8');
  const next = replaceSection(text, 'requirements', content);
  if (next === undefined) return [{ where: page, message: 'has no section <!-- requirements -->' }];
  if (next === text) return [];
  if (write) {
    writeFileSync(file, next);
    return [];
  }
  return [{ where: page, message: 'shows other figures than the map: run "npm run requirements -- --write"' }];
}
