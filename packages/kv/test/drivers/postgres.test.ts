import { runAs, runInContext } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { createPostgresStore, kvMigrations } from '@tenon/kv/drivers/postgres';
import { keyValueStoreContract, type StoreRequest, type StoreUnderTest } from '@tenon/kv/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareWithModel } from './store-model.ts';

const bytes = Uint8Array.of(1, 2, 3, 4);

describe.each(describeDrivers())('the PostgreSQL store on %s', (driver) => {
  let test: TestDatabase;

  beforeAll(async () => {
    test = await openTestDatabase(driver, [kvMigrations()]);
  });
  afterAll(() => test.drop());

  const change = (statement: ReturnType<typeof sql>): Promise<unknown> =>
    test.database.withSystem('test', (tx) => statement.execute(tx));
  const countHeld = async (): Promise<number> => {
    const { rows } = await test.database.withSystem('test', (tx) =>
      sql<{ held: number }>`select count(*) as held from kv_entries`.execute(tx),
    );
    return rows[0]?.held ?? -1;
  };

  beforeEach(() => change(sql`delete from kv_entries`));

  function openWithClock(request: StoreRequest = {}): Promise<StoreUnderTest> {
    const clock = createTestClock();
    const { database } = test;
    return Promise.resolve({
      store: createPostgresStore({ database, clock, ...request }),
      other: createPostgresStore({ database, clock, ...request }),
      advance: (ms) => clock.advance(ms),
    });
  }

  // The server's clock cannot be set. Bringing every limit nearer has the same effect.
  function openWithServerTime(request: StoreRequest = {}): Promise<StoreUnderTest> {
    const { database } = test;
    return Promise.resolve({
      store: createPostgresStore({ database, ...request }),
      other: createPostgresStore({ database, ...request }),
      advance: async (ms) => {
        await change(sql`update kv_entries set expires_at = expires_at - ${ms}::float8 * interval '1 millisecond'`);
      },
    });
  }

  describe('keeps the contract by a given clock', () => {
    it.each(keyValueStoreContract(openWithClock))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });

  describe('keeps the contract by the clock of the database', () => {
    it.each(keyValueStoreContract(openWithServerTime))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });

    it('gives the answers of the model for random operations', async () => {
      await expect(compareWithModel(await openWithServerTime(), 8)).resolves.toBeUndefined();
    });
  });

  it('lets only system transactions reach its table', async () => {
    const store = createPostgresStore(test);
    await store.set('a', bytes);
    await expect(
      runAs({ tenant: 'acme' }, () => test.database.withTenant((tx) => sql`select * from kv_entries`.execute(tx))),
    ).rejects.toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
    await store.close();
  });

  it('works inside any context, and refuses to run inside a transaction of its database', async () => {
    const store = createPostgresStore(test);
    await runAs({ tenant: 'acme' }, () => store.set('a', bytes));
    expect(await store.get('a')).toEqual(bytes);
    await expect(test.database.withSystem('test', () => store.get('a'))).rejects.toMatchObject({ code: 'KV_FAILED' });
    await store.close();
  });

  it('deletes what has expired once sweepIntervalMs has passed, in batches, beside a write', async () => {
    const clock = createTestClock();
    const store = createPostgresStore({ ...test, clock, sweepIntervalMs: 5_000 });
    const soon = new Date(clock.now() + 1_000).toISOString();
    await change(sql`insert into kv_entries (key, value, expires_at)
      select 'old-' || n, '\\x00', ${soon}::timestamptz from generate_series(1, 1200) n`);
    await store.set('kept', bytes, { ttlMs: 60_000 });
    await clock.advance(4_999);
    await store.set('kept for ever', bytes);
    await store.close();
    expect(await countHeld()).toBe(1202);
    const later = createPostgresStore({ ...test, clock, sweepIntervalMs: 5_000 });
    await clock.advance(5_000);
    await later.set('one more', bytes);
    // The sweep is not awaited by the write that begins it. This one waits for its first batch at the latest.
    await expect.poll(countHeld).toBe(3);
    await later.close();
    expect(clock.pending()).toBe(0);
  });

  it('stops sweeping when it is closed, and waits for the batch in hand', async () => {
    const clock = createTestClock();
    const store = createPostgresStore({ ...test, clock, sweepIntervalMs: 1_000 });
    await change(sql`insert into kv_entries (key, value, expires_at)
      select 'old-' || n, '\\x00', '2000-01-01' from generate_series(1, 2000) n`);
    await clock.advance(1_000);
    await store.set('a', bytes);
    await store.close();
    const held = await countHeld();
    expect(held).toBe(1501);
    expect(test.database.statistics().waiting).toBe(0);
  });

  it('sweeps although the request that began it was aborted', async () => {
    const clock = createTestClock();
    const store = createPostgresStore({ ...test, clock, sweepIntervalMs: 1_000 });
    await change(sql`insert into kv_entries (key, value, expires_at) values ('old', '\\x00', '2000-01-01')`);
    await clock.advance(1_000);
    const controller = new AbortController();
    await runInContext({ signal: controller.signal }, async () => {
      await store.set('a', bytes);
      controller.abort();
      await expect(store.set('b', bytes)).rejects.toMatchObject({ code: 'KV_ABORTED' });
    });
    await expect.poll(countHeld).toBe(1);
    await store.close();
  });

  it('tells its logger, and nobody else, when expired values cannot be deleted', async () => {
    const clock = createTestClock();
    const lines: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: (_fields: unknown, message: string) => void lines.push(message),
      error: () => undefined,
      child: () => logger,
    };
    const store = createPostgresStore({ ...test, clock, logger, sweepIntervalMs: 1_000 });
    const asOwner = (statement: ReturnType<typeof sql>): Promise<unknown> =>
      test.database.withSystem('test', async (tx) => {
        await sql`reset role`.execute(tx);
        await statement.execute(tx);
      });
    await asOwner(sql`revoke delete on kv_entries from tenon_system`);
    await clock.advance(1_000);
    await store.set('a', bytes);
    await store.close();
    expect(lines).toEqual(['expired key-value entries could not be deleted']);
    await asOwner(sql`grant delete on kv_entries to tenon_system`);
  });

  it.each([
    ['maxValueBytes', 0],
    ['sweepIntervalMs', 999],
    ['sweepIntervalMs', 86_400_001],
  ] as const)('refuses a wrong %s and names it', (option, value) => {
    expect(() => createPostgresStore({ ...test, [option]: value })).toThrow(
      expect.objectContaining({ code: 'KV_OPTIONS_INVALID', details: { option } }),
    );
  });
});

describe('the PostgreSQL store on a closed database', () => {
  it('answers KV_CLOSED', async () => {
    const test = await openTestDatabase('pglite', [kvMigrations()]);
    const store = createPostgresStore(test);
    await test.drop();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'KV_CLOSED' });
    await store.close();
  });
});
