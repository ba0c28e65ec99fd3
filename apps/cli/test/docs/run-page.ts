import { expect } from 'vitest';
import { blocksOf } from './pages.ts';
import { answersOf, runShellPage, type BlockRun, type PageRun, type ShellOptions } from './shell-page.ts';

/** Where a page's blocks are run. */
export const shellPages = {
  /** In `starting.test.ts`: they start the server themselves. */
  starting: ['README.md', 'docs/how-to/run-on-postgresql.md', 'docs/tutorial/first-hour.md'],
  /** In `prepared.test.ts`, while a server runs. */
  running: ['docs/how-to/invite-people.md', 'docs/how-to/use-api-keys.md'],
  /** In `prepared.test.ts`, in a folder with the data of a server that was stopped. */
  stopped: [
    'docs/how-to/change-keys.md',
    'docs/how-to/declare-resources.md',
    'docs/how-to/import-data.md',
    'docs/how-to/keep-credentials.md',
    'docs/how-to/run-in-production.md',
    'docs/how-to/sign-in-from-a-browser.md',
  ],
} as const;

/** A page that starts the server itself. */
export type StartingPage = (typeof shellPages.starting)[number];
/** A page that needs a running server. */
export type RunningPage = (typeof shellPages.running)[number];
/** A page that needs the data of a stopped server. */
export type StoppedPage = (typeof shellPages.stopped)[number];

/** What a page says, beyond that its commands work. */
export interface Claims {
  /** Requests that the page says are refused: `GET /v1/users 403`. Every other one has to succeed. */
  readonly refused?: readonly string[];
  check(run: PageRun): void | Promise<void>;
}

/** Runs a page, and holds it to what it says. */
export async function holdPage(page: string, claims: Claims, options: ShellOptions): Promise<void> {
  const run = await runShellPage(page, options);
  const refused = run.blocks.flatMap(({ requests }) => requests.filter(({ status }) => status >= 400));
  expect(refused.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual(claims.refused ?? []);
  for (const { answer, shown } of shownAnswers(page, run)) expect(answer).toMatchObject(shown);
  await claims.check(run);
}

/** A `json` block shows members of the last answer before it. */
function shownAnswers(page: string, { blocks }: PageRun): readonly { answer: unknown; shown: object }[] {
  return blocksOf(page)
    .filter(({ language }) => language === 'json')
    .map((block) => {
      const before = blocks.filter((one) => one.block.line < block.line).at(-1);
      if (before === undefined) throw new Error(`${page}:${block.line}: no command before it gave an answer`);
      return { answer: answersOf(before).at(-1), shown: JSON.parse(block.text) as object };
    });
}

/** The run of the one block that holds a text. */
export function runOf({ blocks }: PageRun, text: string): BlockRun {
  const [found, ...others] = blocks.filter(({ block }) => block.text.includes(text));
  if (found === undefined || others.length > 0) throw new Error(`there is not one block with "${text}"`);
  return found;
}

/** The answers of that block, one for each request that shows its answer. */
export function answersTo(run: PageRun, text: string): readonly unknown[] {
  return answersOf(runOf(run, text));
}
