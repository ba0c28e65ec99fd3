import { defineResource, type ResourceToken } from '@tenon/resources';
import { borrowHistories, createTestResources, playHistory, type BorrowStep } from '@tenon/resources/testing';
import fc from 'fast-check';
import type { TObject } from 'typebox';
import { describe, expect, it } from 'vitest';

const MAX = 3;

const define = (use: 'pooled' | 'shared'): ResourceToken =>
  defineResource<object, TObject, object>({
    name: 'line',
    use,
    pool: { max: MAX, acquireTimeoutMs: 5_000 },
    create: () => ({}),
  });

describe('random histories of borrowers', () => {
  it.each(['pooled', 'shared'] as const)(
    'hold what %s resources promise',
    async (use) => {
      const token = define(use);
      let made = 0;
      const failures = new Set<string>();
      await fc.assert(
        fc.asyncProperty(borrowHistories(fc), async (steps) => {
          const test = createTestResources();
          test.provide(token, {});
          const report = await playHistory(test, token, steps);
          made += report.made;
          for (const code of report.failures.keys()) failures.add(code);
          expect({ ...report, failures: undefined, made: undefined, instancesAtOnce: undefined }).toMatchObject({
            lentTwice: use === 'pooled' ? 0 : report.lentTwice,
            lentElsewhere: 0,
            notEndedOnce: 0,
            unanswered: 0,
          });
          for (const count of report.instancesAtOnce.values())
            expect(count).toBeLessThanOrEqual(use === 'pooled' ? MAX : 8);
        }),
        { numRuns: 150 },
      );
      expect(made).toBeGreaterThan(150);
      expect(
        [...failures].every((code) =>
          ['RESOURCE_CANCELLED', 'RESOURCE_TIMEOUT', 'POOL_CLOSED', 'RESOURCES_CLOSED'].includes(code),
        ),
      ).toBe(true);
    },
    60_000,
  );

  it('are made of what they are told to be made of', () => {
    const options = { borrowers: 2, maxSteps: 7, tenants: ['x'], maxAdvanceMs: 3 } as const;
    const histories = fc.sample(borrowHistories(fc, options), 500);
    const steps = histories.flat();
    expect(Math.max(...histories.map(({ length }) => length))).toBe(7);
    expect(new Set(steps.map(({ type }) => type))).toEqual(
      new Set(['acquire', 'release', 'taint', 'abort', 'break', 'advance']),
    );
    expect(new Set(steps.flatMap((step) => ('borrower' in step ? [step.borrower] : [])))).toEqual(new Set([0, 1]));
    expect(new Set(steps.flatMap((step) => ('tenant' in step ? [step.tenant] : [])))).toEqual(new Set(['x']));
    expect(Math.max(...steps.map((step) => ('ms' in step ? step.ms : 0)))).toBe(3);
    const more = fc.sample(borrowHistories(fc), 200);
    expect(Math.max(...more.map(({ length }) => length))).toBeGreaterThan(30);
  });

  it('are told as they were', async () => {
    const token = define('shared');
    const test = createTestResources();
    const fake = test.provide(token, {});
    const steps: BorrowStep[] = [
      { type: 'acquire', borrower: 0, tenant: 'a' },
      { type: 'acquire', borrower: 1, tenant: 'a' },
      { type: 'acquire', borrower: 2, tenant: 'b' },
      { type: 'acquire', borrower: 2, tenant: 'b' },
      { type: 'release', borrower: 7, failed: false },
      { type: 'release', borrower: 1, failed: true },
      { type: 'break' },
      { type: 'acquire', borrower: 3, tenant: 'a' },
      { type: 'advance', ms: 10 },
    ];
    expect(await playHistory(test, token, steps)).toEqual({
      instancesAtOnce: new Map([
        ['tenant=a', 2],
        ['tenant=b', 1],
      ]),
      lentTwice: 1,
      lentElsewhere: 0,
      made: 3,
      notEndedOnce: 0,
      failures: new Map(),
      unanswered: 0,
    });
    expect(fake.calls('acquire')).toHaveLength(4);

    const failing = createTestResources();
    failing.provide(token, {}).script('create', { fail: new Error('down') }, { times: Infinity });
    const report = await playHistory(failing, token, steps.slice(0, 1));
    expect(report.failures).toEqual(new Map([['RESOURCE_INITIALIZATION_FAILED', 1]]));
    const broken = createTestResources();
    broken.provide(token, {}).script('acquire', { fail: new TypeError('a mistake of the test') });
    await expect(playHistory(broken, token, steps)).rejects.toThrow('a mistake of the test');
  });
});
