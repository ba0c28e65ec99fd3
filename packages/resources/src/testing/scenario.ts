import { toError } from '@tenon/core';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { FakeOperation } from './recorded-call.ts';
import type { TestResources } from './test-resources.ts';

/** What became of one step. */
export interface ScenarioStep {
  readonly name: string;
  /** A step that does something, or one that looks. */
  readonly type: 'action' | 'expectation';
  /** `skipped`: an action before it failed. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed. */
  readonly problem: string | undefined;
  /** When it began, in milliseconds since the scenario did, on the clock of the test. */
  readonly atMs: number;
}

/** What became of a scenario. */
export interface ScenarioSummary {
  readonly name: string;
  /** Whether no step failed. */
  readonly passed: boolean;
  readonly steps: readonly ScenarioStep[];
  /** How long it took on the clock of the test, in milliseconds. */
  readonly elapsedMs: number;
  /** How often what was done during it, by resource. */
  readonly calls: Readonly<Record<string, Readonly<Partial<Record<FakeOperation, number>>>>>;
  /** The summary as lines, for people. */
  toString(): string;
}

/** Steps that are taken one after the other, and what is expected of them. Nothing happens before {@link Scenario.run}. */
export interface Scenario {
  /** Does something. A failure ends the scenario. */
  step(name: string, action: (test: TestResources) => unknown): Scenario;
  /** Moves the clock. @param ms - 0 or more */
  advance(ms: number): Scenario;
  /** Looks at something: `false` or a throw means that it is not as expected. The scenario goes on. */
  expect(name: string, look: (test: TestResources) => unknown): Scenario;
  /** Expects so many calls since the scenario began. */
  expectCalls(token: ResourceToken, operation: FakeOperation, count: number): Scenario;
  /** Takes the steps. Never rejects. */
  run(): Promise<ScenarioSummary>;
}

interface Planned {
  readonly name: string;
  readonly type: ScenarioStep['type'];
  readonly work: (test: TestResources, before: number) => unknown;
}

/** Begins a scenario. */
export function createScenario(name: string, test: TestResources): Scenario {
  const planned: Planned[] = [];
  const plan = (step: Planned): Scenario => {
    planned.push(step);
    return scenario;
  };
  const scenario: Scenario = {
    step: (step, action) => plan({ name: step, type: 'action', work: action }),
    advance: (ms) => plan({ name: `${ms} ms go by`, type: 'action', work: ({ clock }) => clock.advance(ms) }),
    expect: (step, look) => plan({ name: step, type: 'expectation', work: look }),
    expectCalls: (token, operation, wanted) =>
      plan({
        name: `${wanted} times ${operation} of "${token.name}"`,
        type: 'expectation',
        work({ history }, before) {
          const seen = history().slice(before);
          const found = seen.filter((call) => call.operation === operation && call.resource === token.name).length;
          if (found !== wanted) throw new Error(`there were ${found}`);
        },
      }),
    run: () => run(name, test, planned),
  };
  return scenario;
}

async function run(name: string, test: TestResources, planned: readonly Planned[]): Promise<ScenarioSummary> {
  const { clock } = test;
  const startedMs = clock.monotonicMs();
  const before = test.history().length;
  const steps: ScenarioStep[] = [];
  let isOver = false;
  for (const { name: step, type, work } of planned) {
    const atMs = clock.monotonicMs() - startedMs;
    const problem: string | undefined = isOver ? undefined : await problemOf(type, () => work(test, before));
    const outcome = problem === undefined ? 'passed' : 'failed';
    steps.push({ name: step, type, outcome: isOver ? 'skipped' : outcome, problem, atMs });
    isOver ||= type === 'action' && problem !== undefined;
  }
  const passed = steps.every(({ outcome }) => outcome === 'passed');
  const facts = { name, passed, steps, elapsedMs: clock.monotonicMs() - startedMs, calls: countCalls(test, before) };
  return { ...facts, toString: () => show(facts) };
}

async function problemOf(type: ScenarioStep['type'], work: () => unknown): Promise<string | undefined> {
  try {
    const answer = await work();
    return type === 'expectation' && answer === false ? 'it is not so' : undefined;
  } catch (thrown) {
    return toError(thrown).message;
  }
}

function countCalls({ history }: TestResources, before: number): ScenarioSummary['calls'] {
  const byResource = Map.groupBy(history().slice(before), ({ resource }) => resource);
  return Object.fromEntries(
    [...byResource].map(([resource, calls]) => {
      const byOperation = Map.groupBy(calls, ({ operation }) => operation);
      return [resource, Object.fromEntries([...byOperation].map(([operation, those]) => [operation, those.length]))];
    }),
  );
}

function show({ name, passed, steps, elapsedMs, calls }: Omit<ScenarioSummary, 'toString'>): string {
  const lines = steps.map(
    (step) => `  ${step.outcome.padEnd(7)} ${step.name}${step.problem === undefined ? '' : `: ${step.problem}`}`,
  );
  const done = Object.entries(calls).map(([resource, those]) => `  ${resource}: ${JSON.stringify(those)}`);
  return [`${name}: ${passed ? 'passed' : 'failed'} in ${elapsedMs} ms`, ...lines, ...done].join('\n');
}
