import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function listMarkdown(): readonly string[] {
  return globSync('**/*.md', {
    cwd: root,
    exclude: (path) => /(^|[\\/])(node_modules|dist|coverage|\.[^\\/]+)$/.test(path),
  }).toSorted();
}

/** The text of a page outside of its blocks of code, where brackets are no links. */
function proseOf(file: string): string {
  return readFileSync(join(root, file), 'utf8').replaceAll(/^```.*\n[^]*?^```$/gm, '');
}

/** Where the links and pictures of a page point to, as far as that is inside the repository. */
function linksOf(file: string): readonly string[] {
  const prose = proseOf(file).replaceAll(/(`+)[^`][^]*?\1(?!`)/g, 'code');
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
  const named = [...prose.matchAll(/^\[[^\]]+\]: <?([^\s>]+)/gm)];
  return [...inline, ...named].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/i.test(target));
}

/** The anchors that hosts of repositories give to headings: letters and digits in lower case, spaces as hyphens. */
function anchorsOf(file: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(file).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = text.replaceAll(/[^\p{L}\p{M}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    let [name, repeated] = [anchor, 0];
    while (anchors.has(name)) name = `${anchor}-${(repeated += 1)}`;
    anchors.add(name);
  }
  return anchors;
}

/** What is wrong with a link, if anything is. */
function problemOf(file: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#', 2);
  const target = path === '' ? file : relative(root, join(root, dirname(file), decodeURI(path)));
  if (path.startsWith('/') || target.startsWith('..')) return `${file}: ${link} leaves the repository`;
  if (!existsSync(join(root, target))) return `${file}: ${link} does not exist`;
  if (anchor === undefined || (target.endsWith('.md') && anchorsOf(target).has(anchor))) return undefined;
  return `${file}: ${link} names no heading of ${target}`;
}

it('every link of a page to another leads to a file, and to a heading of it', () => {
  const links = listMarkdown().flatMap((file) => linksOf(file).map((link) => ({ file, link })));
  expect(links.length).toBeGreaterThan(40);
  expect(links.map(({ file, link }) => problemOf(file, link)).filter((problem) => problem !== undefined)).toEqual([]);
});
