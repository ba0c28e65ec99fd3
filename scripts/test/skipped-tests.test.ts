import { describe, expect, it } from 'vitest';
import { postgres } from '../services/postgres.ts';
import { redis } from '../services/redis.ts';
import { explainSkips, summarizeSkips } from '../skipped-tests.ts';
import type { TestOutcome } from '../test-results.ts';

const skipped = (name: string, note?: string): TestOutcome => ({
  file: 'packages/kv/test/a.test.ts',
  name,
  state: 'skipped',
  note,
});
const noPostgres = { available: false, service: postgres, reason: 'PostgreSQL: not installed' } as const;
const noRedis = { available: false, service: redis, reason: 'Redis: not installed' } as const;

describe('explainSkips', () => {
  it('passes over tests that ran', () => {
    expect(explainSkips([{ ...skipped('a'), state: 'passed' }], [noRedis])).toEqual([]);
  });

  it('finds the missing server by the name of the test', () => {
    const [found] = explainSkips([skipped('the store on Redis > sets')], [noPostgres, noRedis], () => '');
    expect(found).toMatchObject({ reason: 'Redis: not installed', service: 'redis' });
  });

  it('finds the missing server by the variable that its file reads', () => {
    const [found] = explainSkips([skipped('sets')], [noPostgres, noRedis], () => `process.env['TENON_TEST_REDIS_URL']`);
    expect(found).toMatchObject({ service: 'redis' });
  });

  it('takes the note of a test before anything else, and the server that it blames', () => {
    const tests = [
      skipped('on Redis', 'needs another user than root'),
      skipped('kills it', 'PostgreSQL: initdb failed'),
    ];
    expect(explainSkips(tests, [noPostgres, noRedis])).toMatchObject([
      { reason: 'needs another user than root', service: undefined },
      { reason: 'PostgreSQL: initdb failed', service: 'postgres' },
    ]);
  });

  it('knows no reason when no server is missing, or only one that the file does not speak of', () => {
    const source = `process.env['TENON_TEST_REDIS_URL']`;
    for (const missing of [[], [noPostgres]]) {
      const [found] = explainSkips([skipped('sets')], missing, () => source);
      expect(found?.reason).toBeUndefined();
    }
  });

  it('is summarized in one line for each file and reason', () => {
    const tests = explainSkips([skipped('on Redis > a'), skipped('on Redis > b'), skipped('c')], [noRedis], () => '');
    expect(summarizeSkips(tests)).toEqual([
      '2 skipped in packages/kv/test/a.test.ts: Redis: not installed',
      '1 skipped in packages/kv/test/a.test.ts: no reason given, which counts as failed',
    ]);
  });
});
