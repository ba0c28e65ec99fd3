import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';
import { resultsFile, type TestOutcome, type TestResults } from './test-results.ts';
import { relativeTo, repositoryRoot } from './workspace.ts';

/** Writes what every test did to {@link resultsFile}. */
export default class ResultsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const results: TestResults = {
      tests: modules.flatMap((module) => [...module.children.allTests()].map(toOutcome)),
      errors: [
        ...modules.flatMap((module) =>
          [module, ...module.children.allSuites()]
            .flatMap((one) => one.errors())
            .map((error) => ({ where: relativeTo(repositoryRoot, module.moduleId), message: error.message })),
        ),
        ...unhandled.map((error) => ({ where: 'unhandled error', message: error.message })),
      ],
    };
    mkdirSync(dirname(resultsFile), { recursive: true });
    writeFileSync(resultsFile, JSON.stringify(results));
  }
}

function toOutcome(test: TestCase): TestOutcome {
  const result = test.result();
  return {
    file: relativeTo(repositoryRoot, test.module.moduleId),
    name: test.fullName,
    // A test that never got its turn (the run was ended) has not passed.
    state: result.state === 'pending' ? 'failed' : result.state,
    note: result.state === 'skipped' ? result.note : undefined,
  };
}
