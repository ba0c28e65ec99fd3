import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trace, type Span, type Tracer } from '@opentelemetry/api';
import type { Logger } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources, type Resources } from '@tenon/resources';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inTenant } from '../support/open-resources.ts';
import { fakeSql } from './sql-fake.ts';

let operations: string[] = [];

beforeEach(() => {
  operations = [];
  const silent = { setAttribute: () => undefined, setStatus: () => undefined, end: () => undefined } as unknown as Span;
  const tracer = {
    startActiveSpan: (_name: string, _options: object, work: (span: Span) => unknown) => work(silent),
    startSpan(name: string) {
      operations.push(name);
      return silent;
    },
  } as unknown as Tracer;
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
});
afterEach(() => trace.disable());

const run = (resources: Resources, token: ReturnType<typeof fakeSql>['token'], texts: readonly string[]) =>
  inTenant('acme', async () => {
    await using db = await resources.acquire(token);
    for (const text of texts) await db.query(text);
  });

/** The line with which statements are logged. */
async function logged(doubleQuoted: 'names' | 'values', ...texts: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  const keep = (fields: { readonly statement?: unknown }): void => {
    if (typeof fields.statement === 'string') lines.push(fields.statement);
  };
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
  const { token, made } = fakeSql({ slowStatementMs: 1 }, { doubleQuoted });
  await using resources = createResources({ define: [token], logger });
  await inTenant('acme', async () => {
    await using db = await resources.acquire(token);
    const [fake] = made;
    if (fake !== undefined) fake.answer = () => new Promise((resolve) => setTimeout(() => resolve({}), 3));
    for (const text of texts) await db.query(text);
  });
  return lines;
}

describe('a text that is made to take long', () => {
  const long = 200_000;
  it.each([
    ['spaces', `${' '.repeat(long)}1`],
    ['comments', `${'/**/'.repeat(long)}1`],
    ['comments within each other', '/*'.repeat(long)],
    ['lines', `${'-- x\n'.repeat(long)}1`],
    ['parentheses', `${'('.repeat(long)}1`],
    ['tags of texts', Array.from({ length: long / 10 }, (_, index) => `$a${index}$`).join(' ')],
    ['quotes and backslashes', `'\\`.repeat(long)],
    ['numbers', '1'.repeat(long)],
  ])('is read in no time: %s', async (_what, text) => {
    const startedMs = performance.now();
    expect(await logged('names', text)).toHaveLength(1);
    // It would take longer than anybody waits: with 40 spaces, four hours.
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe('texts that are made anew each time', () => {
  it('are not remembered when they are long', async () => {
    const { token, made } = fakeSql();
    await using resources = createResources({ define: [token] });
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = async (from: number): Promise<number> => {
      for (let index = from; index < from + 100; index += 1) {
        await run(resources, token, [`insert into t values ('${String(index).padStart(200_000, 'x')}')`]);
      }
      made[0]?.texts.splice(0);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await used(0);
    expect((await used(100)) - before).toBeLessThan(5_000_000);
  });

  it('have a span name of their own only where they begin with a word of SQL', async () => {
    const { token } = fakeSql();
    await using resources = createResources({ define: [token] });
    await run(resources, token, ['select 1', ' -- first\n /* second */ (WITH x as (select 1) select 1)', 'anything 1']);
    expect(operations).toEqual(['SELECT fake-db', 'WITH fake-db', 'OTHER fake-db']);
  });
});

describe('the isolation of a transaction', () => {
  it('is one of those there are, as it stands in the text of a statement', async () => {
    const { token, made } = fakeSql();
    await using resources = createResources({ define: [token] });
    const options = JSON.parse('{"isolation":"serializable; drop table users"}') as object;
    const failure = await failureOf(
      inTenant('acme', () => resources.use(token, (db) => db.transaction(async () => undefined, options))),
    );
    expect(failure.code).toBe('RESOURCE_QUERY_INVALID');
    expect(failure.message).not.toContain('drop');
    expect(made[0]?.texts).toEqual([]);
  });
});

describe('a slow statement', () => {
  it.each([
    [`select 'a\\', 'canary' from t`, 'select ...'],
    [`select E'\\'canary'`, 'select E ...'],
    [`-- it's\nselect 'canary'`, 'select ?'],
    [`--it's\nselect 'canary'`, '...'],
    [`select 1 # it's\n, 'canary'`, 'select ? ...'],
    [`select 5--'x\ncanary'`, 'select ? ...'],
    [`select /* it's */ 'canary'`, 'select ?'],
    [`select /* /* it's */ 'canary */ 1`, 'select ...'],
    [`select /*! 'canary */ 1`, 'select ...'],
    [`select 'canary`, 'select ?'],
    [`select 'it''s a canary', $$canary$$, $t$canary$t$, $1`, 'select ?, ?, ?, ?'],
    [`select 0xCA4A27, 1.5e-3, x'ca4a27', t1.c2 from t1`, 'select ?, ?-?, x?, t1.c2 from t1'],
    [`select ${'1, '.repeat(2_000)} 'canary'`, expect.stringMatching(/^select (?:\?, )+.* \.\.\.$/)],
  ])('is logged without what may be a value: %s', async (text, shown) => {
    expect(await logged('names', text)).toEqual([shown]);
    expect((await logged('values', text)).join('')).not.toContain('canary');
  });

  it('is logged with names in double quotes, and without values in them', async () => {
    const text = 'select "name" from `t` where x = "canary"';
    expect(await logged('names', 'select "name" from t')).toEqual(['select "name" from t']);
    expect(await logged('values', text)).toEqual(['select ? from `t` where x = ?']);
  });
});
