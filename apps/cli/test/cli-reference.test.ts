import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { newHome } from './tenon-process.ts';

// Run with UPDATE=1 to write the page anew.
const page = fileURLToPath(new URL('../../../docs/reference/cli.md', import.meta.url));
const home = newHome();
afterAll(() => home.remove());

/** The help of a command and of all below it, each under a heading of its own. Groups only list their commands. */
async function sectionsOf(path: readonly string[]): Promise<readonly string[]> {
  const { code, stdout } = await home.tenon([...path, '--help']);
  expect(code).toBe(0);
  const children = commandsIn(stdout);
  const below = await Promise.all(children.map((child) => sectionsOf([...path, child])));
  const isGroup = path.length > 0 && children.length > 0;
  const own = `## ${['tenon', ...path].join(' ')}\n\n\`\`\`text\n${stdout.trimEnd()}\n\`\`\``;
  return [...(isGroup ? [] : [own]), ...below.flat()];
}

/** The names behind "Commands:" in a help; further lines of a description are indented deeper. */
function commandsIn(help: string): readonly string[] {
  const list = /^Commands:\n((?: .*\n)+)/m.exec(help)?.[1] ?? '';
  return [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
}

it('the page about the command shows the help of each command', async () => {
  const sections = await sectionsOf([]);
  expect(sections.length).toBeGreaterThan(8);
  const [before, , after] = readFileSync(page, 'utf8').split(/(?<=<!-- help -->\n)|(?=<!-- \/help -->)/);
  const wanted = `${before}\n${sections.join('\n\n')}\n\n${after}`;
  if (process.env['UPDATE'] === '1') writeFileSync(page, wanted);
  expect(readFileSync(page, 'utf8')).toBe(wanted);
});
