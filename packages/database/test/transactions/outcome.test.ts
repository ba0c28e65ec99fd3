import { runInContext } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openWidgets, type WidgetDatabase } from '../widget-database.ts';
import type { WidgetTables } from '../widgets.ts';

const insert = (tx: Tx<WidgetTables>, name: string) =>
  tx.insertInto('widgets').values({ id: name, name, size: 1 }).execute();

describe.each(describeDrivers())('how a transaction ends on %s', (driver) => {
  let widgets: WidgetDatabase;

  beforeAll(async () => {
    // One connection, so that anything one transaction leaves behind meets the next.
    widgets = await openWidgets(driver, { poolMax: 1 });
  });
  afterAll(() => widgets.drop());
  beforeEach(() => widgets.system((tx) => tx.deleteFrom('widgets').execute()));

  it('commits what the work did, and resolves to what it returned', async () => {
    const result = await widgets.as('acme', async (tx) => {
      await insert(tx, 'kept');
      return { some: 'outcome' };
    });
    expect(result).toEqual({ some: 'outcome' });
    expect(await widgets.names()).toEqual(['kept']);
  });

  it('rolls back when the work throws, and passes on what it threw untouched', async () => {
    const thrown = [
      new Error('on purpose'),
      Object.assign(new Error('elsewhere'), { code: 'ECONNREFUSED' }),
      'text',
      undefined,
    ];
    for (const error of thrown) {
      const run = widgets.as('acme', async (tx) => {
        await insert(tx, 'lost');
        throw error;
      });
      await expect(run.catch((caught: unknown) => ({ caught }))).resolves.toEqual({ caught: error });
      expect(await widgets.names()).toEqual([]);
    }
  });

  it('commits although the request fails, when the work returns an outcome and the caller throws afterwards', async () => {
    const request = async (): Promise<void> => {
      const outcome = await widgets.as('acme', async (tx) => {
        await insert(tx, 'revocation');
        return { outcome: 'reused' as const };
      });
      if (outcome.outcome === 'reused') throw new Error('the token was used twice');
    };
    await expect(request()).rejects.toThrow('the token was used twice');
    expect(await widgets.names()).toEqual(['revocation']);
  });

  it('fails, and says so, when the work caught the error of a statement and went on', async () => {
    const run = widgets.as('acme', async (tx) => {
      await insert(tx, 'seems kept');
      await sql`select 1 / 0`.execute(tx).catch(() => undefined);
      return 'fine';
    });
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_ROLLED_BACK' });
    expect(await widgets.names()).toEqual([]);
  });

  it('answers DATABASE_ROLLED_BACK for a statement after a failed one', async () => {
    const run = widgets.as('acme', async (tx) => {
      await sql`select 1 / 0`.execute(tx).catch(() => undefined);
      await insert(tx, 'after');
    });
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_ROLLED_BACK', details: { sqlState: '25P02' } });
  });

  it('translates what only the commit finds wrong, and keeps nothing', async () => {
    const run = widgets.as('acme', async (tx) => {
      await sql`set constraints widgets_parent_exists deferred`.execute(tx);
      await tx.insertInto('widgets').values({ id: '1', name: 'orphan', size: 1, parent_id: 'nobody' }).execute();
    });
    await expect(run).rejects.toMatchObject({
      code: 'DATABASE_REFERENCE_MISSING',
      details: { constraint: 'widgets_parent_exists' },
    });
    expect(await widgets.names()).toEqual([]);
  });

  it('throws for a transaction inside a transaction instead of waiting for itself', async () => {
    const nested: readonly (() => Promise<unknown>)[] = [
      () => widgets.as('acme', (tx) => insert(tx, 'inner')),
      () => widgets.system((tx) => insert(tx, 'inner')),
      () => widgets.database.ping(),
      () => widgets.database.migrate([]),
      () => widgets.database.close(),
    ];
    for (const inner of nested) {
      await expect(widgets.as('acme', () => inner())).rejects.toMatchObject({ code: 'DATABASE_NESTED_TRANSACTION' });
    }
    expect(await widgets.names()).toEqual([]);
  });

  it('lets a transaction start from work that outlives another one', async () => {
    let later: Promise<unknown> = Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    await widgets.as('acme', () => {
      later = promise.then(() => widgets.as('acme', (tx) => insert(tx, 'later')));
      return Promise.resolve();
    });
    resolve();
    await later;
    expect(await widgets.names()).toEqual(['later']);
  });

  it('refuses a transaction that was kept beyond its work', async () => {
    let kept: Tx<WidgetTables> | undefined;
    await widgets.as('acme', (tx) => {
      kept = tx;
      return Promise.resolve();
    });
    await expect(insert(kept as Tx<WidgetTables>, 'late')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    await widgets.as('acme', () => Promise.reject(new Error('x'))).catch(() => undefined);
    await expect(insert(kept as Tx<WidgetTables>, 'late')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    expect(await widgets.names()).toEqual([]);
  });

  it('refuses to begin a transaction of Kysely on its own, or to stream', async () => {
    await widgets.as('acme', async (tx) => {
      expect(() => tx.transaction()).toThrow(/transaction/);
      const read = async (): Promise<void> => {
        for await (const row of tx.selectFrom('widgets').selectAll().stream()) expect(row).toBeUndefined();
      };
      await expect(read()).rejects.toThrow(/streaming is not offered/);
    });
  });

  it('runs statements that were started together one after the other', async () => {
    await widgets.as('acme', async (tx) => {
      await Promise.all(['a', 'b', 'c', 'd'].map((name) => insert(tx, name)));
    });
    expect(await widgets.names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('rolls all of them back when one of the statements started together fails', async () => {
    const run = widgets.as('acme', async (tx) => {
      await Promise.all([insert(tx, 'a'), insert(tx, 'a'), insert(tx, 'b')]);
    });
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_CONFLICT' });
    expect(await widgets.names()).toEqual([]);
  });

  it('rolls back when the signal fires during the work, and starts no further statement', async () => {
    const controller = new AbortController();
    const reason = new Error('the client left');
    const run = widgets.as(
      'acme',
      async (tx) => {
        await insert(tx, 'before');
        controller.abort(reason);
        await insert(tx, 'after');
      },
      { signal: controller.signal },
    );
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_ABORTED', cause: reason });
    expect(await widgets.names()).toEqual([]);
  });

  it('does not start a statement that was waiting for another one when the signal fires', async () => {
    const controller = new AbortController();
    let ends: readonly PromiseSettledResult<unknown>[] = [];
    const run = widgets.as(
      'acme',
      async (tx) => {
        const first = sql`select 1`.execute(tx);
        const rest = ['second', 'third'].map((name) => insert(tx, name));
        await first;
        controller.abort(); // the second may be on its way by now; the third waits behind it
        ends = await Promise.allSettled(rest);
      },
      { signal: controller.signal },
    );
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_ABORTED' });
    expect(ends.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'DATABASE_ABORTED' } });
    expect(await widgets.names()).toEqual([]);
  });

  it('rolls back when the signal fires after the last statement', async () => {
    const controller = new AbortController();
    const run = widgets.system(
      async (tx) => {
        await sql`insert into widgets (tenant_id, id, name) values ('acme', '1', 'x')`.execute(tx);
        controller.abort();
      },
      { signal: controller.signal },
    );
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_ABORTED' });
    expect(await widgets.names()).toEqual([]);
  });

  it('heeds the signal of the context, and prefers one that is given', async () => {
    const gone = AbortSignal.abort();
    await runInContext({ tenant: 'acme', signal: gone }, async () => {
      let ran = false;
      await expect(
        widgets.database.withTenant(() => {
          ran = true;
          return Promise.resolve();
        }),
      ).rejects.toMatchObject({ code: 'DATABASE_ABORTED' });
      expect(ran).toBe(false);
      await widgets.database.withTenant((tx) => insert(tx, 'mine'), { signal: new AbortController().signal });
    });
    expect(await widgets.names()).toEqual(['mine']);
  });

  it('refuses writes when it is read only', async () => {
    await expect(widgets.as('acme', (tx) => insert(tx, 'x'), { readOnly: true })).rejects.toMatchObject({
      code: 'DATABASE_QUERY_FAILED',
      details: { sqlState: '25006' },
    });
    await widgets.as('acme', (tx) => insert(tx, 'x'), { readOnly: false });
    expect(
      await widgets.as('acme', (tx) => tx.selectFrom('widgets').select('name').execute(), { readOnly: true }),
    ).toEqual([{ name: 'x' }]);
  });

  it.each(['read committed', 'repeatable read', 'serializable'] as const)(
    'runs at the isolation level %s',
    async (isolation) => {
      const level = await widgets.system(
        async (tx) =>
          (await sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(tx)).rows[0],
        { isolation },
      );
      expect(level).toEqual({ level: isolation });
    },
  );

  it('runs at read committed when nothing is said', async () => {
    const { rows } = await widgets.system((tx) =>
      sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(tx),
    );
    expect(rows).toEqual([{ level: 'read committed' }]);
  });
});

describe.each(describeDrivers())('transactions across tenants on %s', (driver) => {
  let widgets: WidgetDatabase;
  const lines: unknown[] = [];

  beforeAll(async () => {
    const logger = {
      debug: (fields: unknown, message: string) => void lines.push([fields, message]),
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      child: () => logger,
    };
    widgets = await openWidgets(driver, { logger });
  });
  afterAll(() => widgets.drop());

  it('see and write the rows of every tenant, and say why they do', async () => {
    await widgets.as('acme', (tx) => insert(tx, 'a'));
    await widgets.as('globex', (tx) => insert(tx, 'b'));
    lines.length = 0;
    const updated = await widgets.database.withSystem('yearly-review', (tx) =>
      tx.updateTable('widgets').set({ size: 2 }).executeTakeFirst(),
    );
    expect(updated.numUpdatedRows).toBe(2n);
    expect(lines).toEqual([[{ purpose: 'yearly-review' }, 'transaction across tenants']]);
  });

  it('ignore the tenant of the context: a row needs one of its own', async () => {
    await expect(
      runInContext({ tenant: 'acme' }, () => widgets.system((tx) => insert(tx, 'without a tenant'))),
    ).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' });
  });

  it('may bypass no policy, create nothing and drop nothing', async () => {
    const { rows } = await widgets.system((tx) =>
      sql<{ rolsuper: boolean; rolbypassrls: boolean; rolcanlogin: boolean }>`
        select rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname in ('tenon_system', 'tenon_tenant')`.execute(
        tx,
      ),
    );
    expect(rows).toEqual(
      Array.from({ length: 2 }, () => ({ rolsuper: false, rolbypassrls: false, rolcanlogin: false })),
    );
    await expect(widgets.system((tx) => sql`drop table widgets`.execute(tx))).rejects.toMatchObject({
      code: 'DATABASE_ACCESS_DENIED',
    });
  });
});
