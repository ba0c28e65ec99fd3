import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundService, MissingService } from './services/find-services.ts';
import type { TestOutcome } from './test-results.ts';
import { repositoryRoot } from './workspace.ts';

/** A skipped test with its reason. */
export interface SkippedTest {
  readonly test: TestOutcome;
  /** Undefined when nobody gave one. */
  readonly reason: string | undefined;
  /** Name of the service without which it cannot run. */
  readonly service?: string | undefined;
}

/**
 * Finds out why tests were skipped: the note that a test gave (`context.skip('why')`), or else a missing server that its
 * name or its file speaks of. A note that starts with a server's title (`PostgreSQL: ...`) blames that server.
 *
 * @param readSource - reads a test file by its path from the root
 */
export function explainSkips(
  tests: readonly TestOutcome[],
  services: readonly (FoundService | MissingService)[],
  readSource: (file: string) => string = (file) => readFileSync(join(repositoryRoot, file), 'utf8'),
): readonly SkippedTest[] {
  const missing = services.filter((one) => !one.available);
  return tests
    .filter((test) => test.state === 'skipped')
    .map((test) => {
      if (test.note !== undefined) {
        const blamed = services.find(({ service }) => test.note?.startsWith(`${service.title}:`));
        return { test, reason: test.note, service: blamed?.service.name };
      }
      const cause = missingServiceOf(test, missing, readSource);
      return { test, reason: cause?.reason, service: cause?.service.name };
    });
}

function missingServiceOf(
  test: TestOutcome,
  missing: readonly MissingService[],
  readSource: (file: string) => string,
): MissingService | undefined {
  const about = `${test.file} ${test.name}`.toLowerCase();
  const named = missing.find(({ service }) => about.includes(service.name));
  if (named !== undefined || missing.length === 0) return named;
  const source = readSource(test.file);
  return missing.find(({ service }) => source.includes(service.variable));
}

/** One line for each file and reason: how many tests it skipped. */
export function summarizeSkips(skipped: readonly SkippedTest[]): readonly string[] {
  const groups = Map.groupBy(
    skipped,
    ({ test, reason }) => `${test.file}: ${reason ?? 'no reason given, which counts as failed'}`,
  );
  return [...groups].map(([group, { length }]) => `${length} skipped in ${group}`);
}
