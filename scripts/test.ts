import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkRequirements } from './check-requirements.ts';
import { checkFigures } from './requirement-figures.ts';
import { runCommand, type CommandResult } from './run-command.ts';
import { findServices, services, type FoundService, type MissingService } from './services/find-services.ts';
import { explainSkips, summarizeSkips, type SkippedTest } from './skipped-tests.ts';
import { staticChecks } from './static-checks.ts';
import { countMeasuredLines, coverageFile, readResults, resultsFile, type TestResults } from './test-results.ts';
import { repositoryRoot } from './workspace.ts';

const usage = `usage: npm test [-- --checks-only]

  --checks-only   only the checks that read the sources: no server is started, no test runs

environment:
  TENON_TEST_POSTGRES_URL, TENON_TEST_REDIS_URL,
  TENON_TEST_MYSQL_URL,
  TENON_TEST_REDIS_CLUSTER_URL                    servers to use; default: those that run here, or else own ones
  TENON_REQUIRE_SERVICES=postgres,redis           a test that is skipped because one of them is missing has failed
`;

/** What the run counts. A failed check counts as one failure. */
interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const checksAtOnce = 2;
const count: Count = { passed: 0, failed: 0, skipped: 0 };
const interrupt = new AbortController();

function report(title: string, passed: boolean, durationMs: number, output = ''): void {
  if (!passed) count.failed += 1;
  console.log(`${passed ? '✓' : '✗'} ${title.padEnd(32)}${(durationMs / 1000).toFixed(1).padStart(7)} s`);
  if (!passed && output.trim() !== '') console.log(`${output.trim().replaceAll(/^(?=.)/gm, '    ')}\n`);
}

/** Runs the static checks, two at a time, and shows their results in order. */
async function runChecks(): Promise<void> {
  const results = staticChecks.map((check) => ({ check, ...Promise.withResolvers<CommandResult>() }));
  const queue = results.values();
  for (let slot = 0; slot < checksAtOnce; slot += 1) {
    void (async () => {
      for (const { check, resolve } of queue) {
        resolve(await runCommand(check.command, check.args, { signal: interrupt.signal }));
      }
    })();
  }
  for (const { check, promise } of results) {
    const { code, durationMs, output } = await promise;
    if (!interrupt.signal.aborted) report(check.title, code === 0, durationMs, output);
  }
}

function requiredServices(): readonly string[] {
  const names = (process.env['TENON_REQUIRE_SERVICES'] ?? '').split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !services.some((service) => service.name === name));
  if (unknown.length > 0) {
    const known = services.map((service) => service.name).join(', ');
    console.error(`TENON_REQUIRE_SERVICES names "${unknown.join('", "')}"; there are: ${known}`);
    process.exit(2);
  }
  return names;
}

async function runTests(found: readonly (FoundService | MissingService)[], required: readonly string[]): Promise<void> {
  const missing = found.filter((one) => !one.available);
  const env: Record<string, string | undefined> = {};
  for (const one of found) {
    // The address of a server that does not answer is taken away, so that its suites skip instead of waiting for it.
    env[one.service.variable] = one.available ? one.url : undefined;
    console.log(one.available ? `  ${one.service.title}: ${one.url} (${one.source})` : `  ${one.reason}`);
  }
  for (const file of [resultsFile, coverageFile]) rmSync(file, { force: true });
  const vitest = join(repositoryRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--coverage', '--reporter=default', '--reporter=./scripts/vitest-reporter.ts'];
  const run = await runCommand(process.execPath, args, { env, signal: interrupt.signal, inherit: true });
  if (interrupt.signal.aborted) return;
  const results = readResults();
  if (results === undefined || results.tests.length === 0) {
    report('tests', false, run.durationMs, 'No test ran: see the messages of vitest above.');
    return;
  }
  const skipped = explainSkips(results.tests, found);
  const isExcused = ({ reason, service }: SkippedTest): boolean =>
    reason !== undefined && !(service !== undefined && required.includes(service));
  const excused = skipped.filter(isExcused);
  countTests(results, excused.length, skipped.length - excused.length);
  console.log(summarizeSkips(skipped).join('\n'));
  const absent = missing.filter(({ service }) => required.includes(service.name));
  for (const { service, reason } of absent) report(`${service.title} is required`, false, 0, reason);
  const hasFailure = results.errors.length > 0 || results.tests.some((test) => test.state === 'failed');
  if (!hasFailure) reportRun(run);
  checkMap(results, excused);
}

/** What a run in which no test failed can still be missing. */
function reportRun({ code, durationMs }: CommandResult): void {
  if (code !== 0) report('tests', false, durationMs, 'vitest failed outside the tests: see its last messages above.');
  else if (countMeasuredLines() === 0) report('tests', false, durationMs, 'The coverage looked at no file.');
  else report('tests', true, durationMs);
}

function countTests(results: TestResults, excused: number, unexcused: number): void {
  const inState = (state: string): number => results.tests.filter((test) => test.state === state).length;
  count.passed += inState('passed');
  count.failed += inState('failed') + results.errors.length + unexcused;
  count.skipped += excused;
}

function checkMap(results: TestResults, excused: readonly SkippedTest[]): void {
  const startedAt = performance.now();
  const { problems, figures } = checkRequirements({
    root: repositoryRoot,
    results,
    mayBeSkipped: (test) => excused.some((one) => one.test === test && one.service !== undefined),
  });
  const all = [...problems, ...(figures === undefined ? [] : checkFigures(repositoryRoot, figures, false))];
  const output = all.map(({ where, message }) => `${where}: ${message}`).join('\n');
  report('requirement map', all.length === 0, performance.now() - startedAt, output);
  if (figures !== undefined) console.log(figures.table);
}

async function main(options: { readonly checksOnly: boolean }): Promise<void> {
  const startedAt = performance.now();
  const required = requiredServices();
  const search = options.checksOnly ? undefined : findServices(services, { signal: interrupt.signal });
  await runChecks();
  if (search !== undefined) {
    const found = await search;
    try {
      if (!interrupt.signal.aborted) await runTests(found, required);
    } finally {
      for (const one of found) if (one.available) await one.stop();
    }
  }
  if (interrupt.signal.aborted) return console.log('interrupted');
  if (count.failed > 0) process.exitCode = 1;
  console.log(`\nall of it took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
}

for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.on(signal, () => {
    process.exitCode = code;
    interrupt.abort();
  });
}
const options = process.argv.slice(2);
if (options.some((option) => option !== '--checks-only')) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await main({ checksOnly: options.includes('--checks-only') });
}
