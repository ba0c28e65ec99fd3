import { isCodedError, type CodedError } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWidgets, type WidgetDatabase } from './widget-database.ts';
import type { WidgetTables } from './widgets.ts';

describe.each(describeDrivers())('errors of the database on %s', (driver) => {
  let widgets: WidgetDatabase;
  beforeAll(async () => {
    widgets = await openWidgets(driver);
  });
  afterAll(() => widgets.drop());

  const failureOf = async (statement: string): Promise<CodedError> => {
    try {
      await widgets.as('acme', (tx) => sql.raw(statement).execute(tx));
    } catch (error) {
      if (isCodedError(error)) return error;
      throw error;
    }
    throw new Error(`this should have failed: ${statement}`);
  };

  const raise = (sqlState: string): string =>
    `do $$ begin raise exception 'the secret of the row' using errcode = '${sqlState}', constraint = 'some_rule', detail = 'Key (x)=(secret)'; end $$`;

  it.each([
    ['23505', 'DATABASE_CONFLICT', false],
    ['23503', 'DATABASE_REFERENCE_MISSING', false],
    ['23001', 'DATABASE_REFERENCE_MISSING', false],
    ['23502', 'DATABASE_CONSTRAINT', false],
    ['23514', 'DATABASE_CONSTRAINT', false],
    ['23P01', 'DATABASE_CONSTRAINT', false],
    ['40001', 'DATABASE_SERIALIZATION', true],
    ['40P01', 'DATABASE_SERIALIZATION', true],
    ['55P03', 'DATABASE_LOCKED', true],
    ['57014', 'DATABASE_STATEMENT_TIMEOUT', true],
    ['25P02', 'DATABASE_ROLLED_BACK', false],
    ['28000', 'DATABASE_ACCESS_DENIED', false],
    ['28P01', 'DATABASE_ACCESS_DENIED', false],
    ['3D000', 'DATABASE_ACCESS_DENIED', false],
    ['42501', 'DATABASE_ACCESS_DENIED', false],
    ['22001', 'DATABASE_VALUE_INVALID', false],
    ['22003', 'DATABASE_VALUE_INVALID', false],
    ['22021', 'DATABASE_VALUE_INVALID', false],
    ['22P02', 'DATABASE_VALUE_INVALID', false],
    ['22P05', 'DATABASE_VALUE_INVALID', false],
    ['42601', 'DATABASE_QUERY_FAILED', false],
    ['42P01', 'DATABASE_QUERY_FAILED', false],
    ['P0001', 'DATABASE_QUERY_FAILED', false],
    ['XX000', 'DATABASE_QUERY_FAILED', false],
  ])('SQLSTATE %s is %s', async (sqlState, code, retryable) => {
    const error = await failureOf(raise(sqlState));
    expect(error).toMatchObject({ code, retryable, details: { constraint: 'some_rule', sqlState } });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(error.message).not.toContain('secret');
    expect(error.cause).toMatchObject({ code: sqlState });
  });

  it.each(['08006', '53100', '53300', '57P01', '57P03', '25P03'])(
    'SQLSTATE %s is DATABASE_UNAVAILABLE',
    async (sqlState) => {
      expect(await failureOf(raise(sqlState))).toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        retryable: true,
        retryAfterMs: 2_000,
      });
    },
  );

  it('names the constraint that was broken', async () => {
    const insert = (id: string, name: string, size: number, parent = 'null'): string =>
      `insert into widgets (id, name, size, parent_id) values ('${id}', '${name}', ${size}, ${parent})`;
    expect(await failureOf(`${insert('1', 'same', 1)}; ${insert('2', 'same', 1)}`)).toMatchObject({
      code: 'DATABASE_CONFLICT',
      details: { constraint: 'widgets_name_unique' },
    });
    expect(await failureOf(insert('1', 'x', 0))).toMatchObject({ details: { constraint: 'widgets_size_positive' } });
    expect(await failureOf(insert('1', 'x', 1, "'nobody'"))).toMatchObject({
      code: 'DATABASE_REFERENCE_MISSING',
      details: { constraint: 'widgets_parent_exists' },
    });
  });

  it('answers DATABASE_VALUE_INVALID for text with NUL, and for a number beyond its column', async () => {
    await expect(
      widgets.as('acme', (tx) => tx.insertInto('widgets').values({ id: '1', name: 'a\0b', size: 1 }).execute()),
    ).rejects.toMatchObject({ code: 'DATABASE_VALUE_INVALID' });
    await expect(
      widgets.as('acme', (tx) => tx.insertInto('widgets').values({ id: '1', name: 'a', size: 1e30 }).execute()),
    ).rejects.toMatchObject({ code: 'DATABASE_VALUE_INVALID' });
  });

  it('lets the one who works on after an error begin afresh', async () => {
    await failureOf('select * from nowhere');
    expect(await widgets.names()).toEqual([]);
  });
});

describe.runIf(describeDrivers().includes('postgres'))('two transactions on PostgreSQL that meet', () => {
  let widgets: WidgetDatabase;
  beforeAll(async () => {
    widgets = await openWidgets('postgres');
    await widgets.as('acme', (tx) =>
      tx
        .insertInto('widgets')
        .values([
          { id: '1', name: 'a', size: 1 },
          { id: '2', name: 'b', size: 1 },
        ])
        .execute(),
    );
  });
  afterAll(() => widgets.drop());

  it('learn of a locked row at once when they do not want to wait', async () => {
    const locked = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    const row = (tx: Tx<WidgetTables>) => tx.selectFrom('widgets').selectAll().where('id', '=', '1').forUpdate();
    const first = widgets.as('acme', async (tx) => {
      await row(tx).execute();
      locked.resolve();
      await seen.promise;
    });
    await locked.promise;
    await expect(widgets.as('acme', (tx) => row(tx).noWait().execute())).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      retryable: true,
    });
    seen.resolve();
    await first;
  });

  it('are told to run again when one of them is serialised away', async () => {
    const bothHaveRead = barrier(2);
    const run = (id: string): Promise<unknown> =>
      widgets.as(
        'acme',
        async (tx) => {
          await sql`select sum(size) from widgets`.execute(tx);
          await bothHaveRead();
          await tx.updateTable('widgets').set({ size: 7 }).where('id', '=', id).execute();
        },
        { isolation: 'serializable' },
      );
    const ends = await Promise.allSettled([run('1'), run('2')]);
    const failed = ends.filter((end) => end.status === 'rejected').map((end) => end.reason as CodedError);
    expect(failed).toEqual([expect.objectContaining({ code: 'DATABASE_SERIALIZATION', retryable: true })]);
  });
});

/** Resolves for all callers once `count` of them have called. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return () => {
    arrived += 1;
    if (arrived === count) resolve();
    return promise;
  };
}
