import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createNoopMeter, metrics, type Meter } from '@opentelemetry/api';
import { createResources, resourceErrorCodes } from '@tenon/resources';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const rulesFile = fileURLToPath(new URL('../../../../../ops/alerts/resources.rules.yml', import.meta.url));
const testsFile = fileURLToPath(new URL('resources.rules.test.yml', import.meta.url));
const rules = readFileSync(rulesFile, 'utf8');
const tests = readFileSync(testsFile, 'utf8');
const instruments = readFileSync(new URL('../../../src/managed/resource-instruments.ts', import.meta.url), 'utf8');

const all = (text: string, pattern: RegExp): readonly string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))].toSorted();
/** The rules without what is said to people. */
const expressions = rules.replaceAll(/annotations:\n(?: {10,}.*\n)+/g, '').replaceAll(/^ *#.*$/gm, '');
const alerts = all(rules, /- alert: (\w+)/g);

/** The names under which resources register their metrics. */
function metricNames(): readonly string[] {
  const names: string[] = [];
  const meter = new Proxy(createNoopMeter(), {
    get(target, property: keyof Meter) {
      const make = target[property] as (...given: unknown[]) => unknown;
      return (...given: unknown[]): unknown => {
        if (property.startsWith('create')) names.push(String(given[0]));
        return Reflect.apply(make, target, given);
      };
    },
  });
  // No other test runs before they are taken away again.
  metrics.disable();
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  try {
    void createResources().close();
  } finally {
    metrics.disable();
  }
  return names;
}

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('the alert rules', () => {
  it('use metrics that there are', () => {
    const used = all(expressions, /\b(resource_[a-z_]+?)(?:_bucket)?(?=[{[\s)]|$)/gm).filter(
      (name) => name !== 'resource_type',
    );
    expect(used.length).toBeGreaterThan(5);
    expect(used.filter((name) => !metricNames().includes(name))).toEqual([]);
  });

  it('use labels that there are, with values that there are', () => {
    const labels = all(expressions, /[{,] ?([a-z_]+)=/g);
    expect(labels).toEqual(['error_type', 'outcome', 'success']);
    for (const label of [...labels, 'resource_type']) expect(instruments).toContain(`${label}:`);
    const codes = all(expressions, /error_type=~?"([^"]+)"/g).flatMap((codesOr) => codesOr.split('|'));
    expect(codes.length).toBeGreaterThan(3);
    expect(codes.filter((code) => !resourceErrorCodes.some((known) => known === code))).toEqual([]);
  });

  it('are all tried out on figures that are good', () => {
    expect(all(tests, /alertname: (\w+), exp_alerts: \[\]/g)).toEqual(alerts);
    expect(tests).toContain(`value: ${alerts.length}`);
  });

  describe.skipIf(!hasPromtool())('for promtool (skipped without it: apt-get install prometheus)', () => {
    it('are rules', async () => {
      const { stdout } = await run('promtool', ['check', 'rules', rulesFile]);
      expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`);
    });

    it('fire when something is wrong, and when nothing is they do not', async () => {
      const { stdout } = await run('promtool', ['test', 'rules', testsFile]);
      expect(stdout).toContain('SUCCESS');
    });
  });
});
