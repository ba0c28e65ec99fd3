import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFigures, renderFigures, type RequirementFigures } from './requirement-figures.ts';
import { requirementDocuments, type RequirementDocument } from './requirement-ids.ts';
import { readResults, type TestOutcome, type TestResults } from './test-results.ts';
import { reportProblems, repositoryRoot, type Problem } from './workspace.ts';

const mapFile = 'requirements.json';

/** A requirement that tests prove, or that is open. */
export type Requirement =
  | { readonly title: string; readonly tests: readonly string[] }
  | { readonly title: string; readonly open: string };

/** What {@link checkRequirements} takes. */
export interface RequirementOptions {
  /** The repository whose `requirements.json` is checked. */
  readonly root: string;
  /** What the tests did. Without them only the map itself and the files it names are checked. */
  readonly results?: TestResults | undefined;
  /** Says whether a skipped test may stand for a requirement. Default: none may. */
  readonly mayBeSkipped?: (test: TestOutcome) => boolean;
  /** Default: the five documents. */
  readonly documents?: readonly RequirementDocument[];
}

/** What {@link checkRequirements} found. */
export interface RequirementReport {
  readonly problems: readonly Problem[];
  /** How much is done; `undefined` when the map cannot be read. */
  readonly figures: RequirementFigures | undefined;
}

/** Checks that every requirement has an entry, and that every test an entry names exists, ran and passed. */
export function checkRequirements(options: RequirementOptions): RequirementReport {
  const documents = options.documents ?? requirementDocuments;
  const entries = readMap(options.root);
  if (typeof entries === 'string') return { problems: [{ where: mapFile, message: entries }], figures: undefined };
  const problems: Problem[] = [];
  const add = (id: string, message: string): unknown => problems.push({ where: mapFile, message: `${id} ${message}` });
  const known = documents.flatMap(({ number, ids }) => ids.map((id) => `${number}/${id}`));
  for (const id of known) if (!entries.has(id)) add(id, 'has no entry');
  const tests = groupByName(options.results);
  for (const [id, entry] of entries) {
    if (!known.includes(id)) add(id, 'is no id of the documents');
    const mistake = mistakeIn(entry);
    if (mistake !== undefined) add(id, mistake);
    else if ('tests' in (entry as Requirement)) {
      for (const name of (entry as { readonly tests: readonly string[] }).tests) {
        const failure = failureOf(name, tests, options);
        if (failure !== undefined) add(id, `names "${name}", ${failure}`);
      }
      for (const part of openParts(id, entries)) add(id, `is marked done while its part ${part} is open`);
    }
  }
  return { problems, figures: renderFigures(documents, entries) };
}

function readMap(root: string): ReadonlyMap<string, unknown> | string {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(join(root, mapFile), 'utf8'))));
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function mistakeIn(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return 'is no object';
  const { title, tests, open, ...others } = entry as Record<string, unknown>;
  if (Object.keys(others).length > 0) return `has an unknown member "${Object.keys(others).join('", "')}"`;
  if (typeof title !== 'string' || title === '') return 'has no title';
  if ((tests === undefined) === (open === undefined)) return 'needs either "tests" or "open"';
  if (open !== undefined) return typeof open === 'string' && open !== '' ? undefined : 'does not say why it is open';
  const isList = Array.isArray(tests) && tests.length > 0 && tests.every((one) => typeof one === 'string');
  return isList ? undefined : 'names no tests: "tests" is a list of "file > suite > test"';
}

/** The bullets of a task: those of `003/4` are `003/4.1`, `003/4.2`, ... */
function openParts(id: string, entries: ReadonlyMap<string, unknown>): readonly string[] {
  return [...entries]
    .filter(
      ([part, entry]) => part.startsWith(`${id}.`) && typeof entry === 'object' && entry !== null && 'open' in entry,
    )
    .map(([part]) => part);
}

function groupByName(results: TestResults | undefined): ReadonlyMap<string, readonly TestOutcome[]> {
  return Map.groupBy(results?.tests ?? [], (test) => `${test.file} > ${test.name}`);
}

function failureOf(
  name: string,
  tests: ReadonlyMap<string, readonly TestOutcome[]>,
  { root, results, mayBeSkipped = () => false }: RequirementOptions,
): string | undefined {
  const file = name.split(' > ', 1)[0] ?? '';
  if (name === file) return 'which is a file and no test: write "file > suite > test"';
  if (!existsSync(join(root, file))) return 'whose file does not exist';
  if (results === undefined) return undefined;
  const outcomes = tests.get(name) ?? [];
  if (outcomes.length === 0) return 'which does not exist or did not run';
  if (outcomes.some((test) => test.state === 'failed')) return 'which failed';
  if (outcomes.some((test) => test.state === 'passed')) return undefined;
  return outcomes.every(mayBeSkipped) ? undefined : 'which was skipped';
}

if (import.meta.main) {
  const results = readResults();
  if (results === undefined) console.log('No results of a test run are at hand: only the map itself is checked.');
  const { problems, figures } = checkRequirements({ root: repositoryRoot, results });
  if (figures !== undefined) console.log(figures.table);
  const shown = figures === undefined ? [] : checkFigures(repositoryRoot, figures, process.argv.includes('--write'));
  reportProblems([...problems, ...shown], 'The map is whole, and every test that it names passed in the last run.');
}
