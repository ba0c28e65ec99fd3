import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root: string = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');

/** What the fences of a page's blocks can say. `text` is shown and not run. */
export const languages = ['sh', 'ts', 'js', 'json', 'sql', 'text'] as const;

/** A fenced block of a page. */
export interface Block {
  /** From the repository's root. */
  readonly page: string;
  /** Where its first line stands in the page. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** The pages that people read: the README, all of `docs`, and the README of each package. */
export function listPages(): readonly string[] {
  return globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root }).toSorted();
}

/** A page's text. */
export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** The fenced blocks of a page, in order. Those inside lists are indented. */
export function blocksOf(page: string): readonly Block[] {
  const text = readPage(page);
  return [...text.matchAll(/^( *)```(.*)\n([^]*?)^\1```$/gm)].map(
    ({ 1: indent = '', 2: language = '', 3: content = '', index }) => ({
      page,
      line: text.slice(0, index).split('\n').length + 1,
      language,
      text: content.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** All blocks in one language, of every page. */
export function blocksIn(language: (typeof languages)[number]): readonly Block[] {
  return listPages().flatMap((page) => blocksOf(page).filter((block) => block.language === language));
}

/** For the names of tests, and messages. */
export function placeOf({ page, line }: Block): string {
  return `${page}:${line}`;
}
