import { createTestClock, failureOf } from '@tenon/core/testing';
import { createResources, type Borrowed } from '@tenon/resources';
import type { SqlFace, SqlOptions } from '@tenon/resources/drivers/sql';
import { describe, expect, it } from 'vitest';
import { inTenant, settle } from '../support/open-resources.ts';
import { FakeFailure, fakeSql, type FakeConnection } from './sql-fake.ts';

const never = new Promise<never>(() => undefined);

/** Runs work with a connection in memory, on a clock that stands still. */
async function withDatabase(
  options: SqlOptions,
  work: (
    db: Borrowed<SqlFace<FakeConnection>>,
    fake: FakeConnection,
    clock: ReturnType<typeof createTestClock>,
  ) => Promise<void>,
): Promise<FakeConnection> {
  const clock = createTestClock();
  const { token, made } = fakeSql({ clock, ...options });
  await using resources = createResources({ define: [token] });
  await inTenant('acme', async () => {
    await using db = await resources.acquire(token);
    const [fake] = made;
    if (fake === undefined) throw new Error('nothing was made');
    await work(db, fake, clock);
  });
  await settle();
  const [fake] = made;
  if (fake === undefined) throw new Error('nothing was made');
  return fake;
}

describe('statements', () => {
  it('are the only ones on their connection at any time', async () => {
    await withDatabase({}, async (db, fake) => {
      let under = 0;
      let most = 0;
      fake.answer = async () => {
        under += 1;
        most = Math.max(most, under);
        await settle();
        under -= 1;
        return {};
      };
      await Promise.all(Array.from({ length: 5 }, (_, index) => db.query(`select ${index}`)));
      expect(most).toBe(1);
      expect(fake.texts).toEqual(['select 0', 'select 1', 'select 2', 'select 3', 'select 4']);
    });
  });

  it('are refused when a thousand wait already', async () => {
    await withDatabase({}, async (db, fake) => {
      fake.answer = () => never;
      const all = Array.from({ length: 1_001 }, () => db.query('select 1').catch((error: unknown) => error));
      expect(await failureOf(db.query('select 1'))).toMatchObject({ code: 'RESOURCE_QUERY_INVALID' });
      fake.answer = () => ({});
      fake.fail('failed');
      await Promise.all(all);
    });
  });

  it('end by a request to stop, after which the connection proves that it is fit', async () => {
    await withDatabase({}, async (db, fake) => {
      const controller = new AbortController();
      fake.answer = (text) => (text === 'select 1' ? {} : never);
      const statement = failureOf(db.query('select slow', [], { signal: controller.signal }));
      await settle();
      controller.abort();
      expect(await statement).toMatchObject({ code: 'RESOURCE_CANCELLED', retryable: false });
      expect(fake.cancels).toBe(1);
      expect(fake.texts).toEqual(['select slow', 'select 1']);
      expect(fake.isDestroyed).toBe(false);
    });
  });

  it('let a request to stop that comes late hit nothing but a probe', async () => {
    await withDatabase({}, async (db, fake) => {
      const controller = new AbortController();
      let probes = 0;
      fake.answer = (text) => {
        if (text !== 'select 1') return never;
        probes += 1;
        return probes === 1 ? Promise.reject(new FakeFailure('stopped')) : {};
      };
      const statement = failureOf(db.query('select slow', [], { signal: controller.signal }));
      await settle();
      controller.abort();
      expect(await statement).toMatchObject({ code: 'RESOURCE_CANCELLED' });
      expect(probes).toBe(2);
      expect(fake.isDestroyed).toBe(false);
    });
  });

  it('lose their connection when the server does not stop in time, and say that they may have been done', async () => {
    const fake = await withDatabase({ cancelTimeoutMs: 700 }, async (db, own, clock) => {
      own.answer = () => never;
      own.cancel = () => never;
      const statement = failureOf(db.execute('update t set n = 1', [], { timeoutMs: 100 }));
      await settle();
      await clock.advance(100);
      await clock.advance(699);
      expect(own.isDestroyed).toBe(false);
      await clock.advance(1);
      expect(await statement).toMatchObject({
        code: 'RESOURCE_TIMEOUT',
        retryable: false,
        details: { mayHaveBeenApplied: true },
      });
      expect(own.isDestroyed).toBe(true);
    });
    expect(fake.hasEnded).toBe(true);
  });

  it('end when the server should long have ended them itself', async () => {
    await withDatabase({ statementTimeoutMs: 5_000 }, async (db, fake, clock) => {
      fake.answer = (text) => (text === 'select 1' ? {} : never);
      const statement = failureOf(db.query('select slow'));
      await settle();
      for (let waitedMs = 0; waitedMs < 6_100; waitedMs += 50) await clock.advance(50);
      expect(await statement).toMatchObject({ code: 'RESOURCE_TIMEOUT', retryable: true });
      expect(fake.cancels).toBe(1);
    });
  });

  it('run as long as they like with a statementTimeoutMs of 0', async () => {
    await withDatabase({ statementTimeoutMs: 0 }, async (db, fake, clock) => {
      const { promise, resolve } = Promise.withResolvers<object>();
      fake.answer = () => promise;
      const statement = db.query('select slow');
      await settle();
      await clock.advance(86_400_000);
      resolve({});
      expect((await statement).rowCount).toBe(0);
    });
  });

  it('give their result when a change was made before the request to stop came', async () => {
    await withDatabase({}, async (db, fake) => {
      const controller = new AbortController();
      const { promise, resolve } = Promise.withResolvers<{ rowCount: number }>();
      fake.answer = (text) => (text === 'select 1' ? {} : promise);
      fake.cancel = async () => resolve({ rowCount: 3 });
      const statement = db.execute('update t set n = 1', [], { signal: controller.signal });
      await settle();
      controller.abort();
      expect(await statement).toBe(3);
    });
  });

  it('take their connection with them when the server says that it ends it', async () => {
    const fake = await withDatabase({}, async (db, own) => {
      own.answer = () => Promise.reject(new FakeFailure('ended'));
      expect(await failureOf(db.query('select 1'))).toMatchObject({
        code: 'RESOURCE_CONNECTION_LOST',
        retryable: true,
      });
    });
    expect(fake.hasEnded).toBe(true);
  });

  it('say that they may have been done when the connection broke, unless they only read', async () => {
    await withDatabase({}, async (db, fake) => {
      fake.answer = () => Promise.reject(new FakeFailure('lost'));
      expect(await failureOf(db.query('update t set n = 1'))).toMatchObject({
        code: 'RESOURCE_CONNECTION_LOST',
        retryable: false,
        details: { mayHaveBeenApplied: true },
      });
      const read = await failureOf(db.query('select n from t'));
      expect(read).toMatchObject({ code: 'RESOURCE_CONNECTION_LOST', retryable: true });
      expect(read.details).not.toHaveProperty('mayHaveBeenApplied');
    });
  });
});

describe('transactions', () => {
  it('do not know whether they were committed when the connection broke during the commit', async () => {
    await withDatabase({}, async (db, fake) => {
      fake.answer = (text) => (text === 'commit' ? Promise.reject(new FakeFailure('lost')) : {});
      const error = await failureOf(db.transaction((tx) => tx.execute('insert into t values (1)')));
      expect(error).toMatchObject({ code: 'RESOURCE_COMMIT_UNKNOWN', retryable: false });
      expect(error.details).toMatchObject({ mayHaveBeenApplied: true });
    });
  });

  it('do not end a commit early, whoever gives up', async () => {
    await withDatabase({}, async (db, fake) => {
      const controller = new AbortController();
      const { promise, resolve } = Promise.withResolvers<object>();
      fake.answer = (text) => (text === 'commit' ? promise : {});
      const work = db.transaction(async () => 'done', { signal: controller.signal });
      await settle();
      controller.abort();
      await settle();
      expect(fake.cancels).toBe(0);
      resolve({});
      expect(await work).toBe('done');
    });
  });

  it('fail when the server answers a commit by rolling back', async () => {
    await withDatabase({}, async (db, fake) => {
      fake.answer = (text) => (text === 'commit' ? { command: 'ROLLBACK' } : {});
      const error = await failureOf(db.transaction(async () => undefined));
      expect(error.code).toBe('RESOURCE_TRANSACTION_ROLLED_BACK');
    });
  });

  it('are rolled back as a whole when a savepoint cannot be returned to', async () => {
    await withDatabase({}, async (db, fake) => {
      fake.answer = (text) => (text.startsWith('rollback to') ? Promise.reject(new FakeFailure('failed')) : {});
      const work = db.transaction(async (tx) => {
        await tx.transaction(() => Promise.reject(new Error('intended'))).catch(() => undefined);
      });
      expect((await failureOf(work)).code).toBe('RESOURCE_TRANSACTION_ROLLED_BACK');
      expect(fake.texts.at(-1)).toBe('rollback');
    });
  });

  it('take their connection with them when they cannot be rolled back', async () => {
    const fake = await withDatabase({}, async (db, own) => {
      own.answer = (text) => (text === 'rollback' ? Promise.reject(new FakeFailure('failed')) : {});
      await db.transaction(() => Promise.reject(new Error('intended'))).catch(() => undefined);
    });
    expect(fake.hasEnded).toBe(true);
  });

  it('only read when that is asked for', async () => {
    await withDatabase({}, async (db, fake) => {
      await db.transaction(async () => undefined, { readOnly: true });
      expect(fake.texts).toEqual(['begin read only', 'commit']);
    });
  });
});

describe('a session', () => {
  /** How often it was put back after work. */
  const resetsAfter = async (options: SqlOptions, work: (db: SqlFace<FakeConnection>) => unknown): Promise<number> => {
    const fake = await withDatabase(options, async (db) => void (await work(db)));
    return fake.resets;
  };

  it.each([
    ['select * from t', 0],
    ['/* set */ insert into t values (1)', 0],
    ['-- set\n(select 1)', 0],
    ['set role admin', 1],
    ['create temporary table t (id int)', 1],
    [`select set_config('a', 'b', false)`, 1],
    ['select 1; set role admin', 1],
    ['call something()', 1],
    ['', 1],
  ])('is put back after %j: %i time', async (text, times) => {
    expect(await resetsAfter({}, (db) => db.query(text))).toBe(times);
  });

  it('is put back after somebody had the client of the library', async () => {
    expect(await resetsAfter({}, (db) => db.client)).toBe(1);
  });

  it('is never put back with reset "transaction", and each time with reset "always"', async () => {
    expect(await resetsAfter({ reset: 'transaction' }, (db) => db.query('set role admin'))).toBe(0);
    expect(await resetsAfter({ reset: 'always' }, (db) => db.query('select 1'))).toBe(1);
  });

  it('ends when a statement still runs on it at its return, and the statement with it', async () => {
    let failure: Promise<unknown> | undefined;
    const fake = await withDatabase({}, async (db, own) => {
      own.answer = () => never;
      failure = failureOf(db.query('select 1'));
      await settle();
    });
    expect(fake.isDestroyed).toBe(true);
    expect(fake.cancels).toBe(1);
    expect(await failure).toMatchObject({ code: 'LEASE_RELEASED' });
  });

  it('has the transaction rolled back that was left open', async () => {
    const fake = await withDatabase({}, async (_, own) => {
      own.isInTransaction = true;
    });
    expect(fake.texts).toEqual(['rollback']);
  });
});
