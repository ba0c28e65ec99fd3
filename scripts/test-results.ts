import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './workspace.ts';

/** One test of a run. */
export interface TestOutcome {
  /** Relative to the root: `packages/kv/test/memory.test.ts`. */
  readonly file: string;
  /** Suites and test, joined with ` > `. */
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** What the test gave as the reason when it skipped itself. */
  readonly note?: string | undefined;
}

/** What a run of the tests found. The reporter writes it, the requirement map reads it. */
export interface TestResults {
  readonly tests: readonly TestOutcome[];
  /** Errors outside every test: a file that does not load, a rejection that nobody handles. */
  readonly errors: readonly { readonly where: string; readonly message: string }[];
}

const cacheDir = join(repositoryRoot, 'node_modules', '.cache', 'tenon');

/** Where the last run's results are. */
export const resultsFile: string = join(cacheDir, 'test-results.json');

/** Where the last run's coverage is. */
export const coverageFile: string = join(cacheDir, 'coverage', 'coverage-summary.json');

/** The results in a file, or undefined when there is none. */
export function readResults(file: string = resultsFile): TestResults | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** How many lines of source the coverage of the last run looked at. With none, every threshold is met and says nothing. */
export function countMeasuredLines(): number {
  try {
    return JSON.parse(readFileSync(coverageFile, 'utf8')).total.lines.total;
  } catch {
    return 0;
  }
}
