import { runAs, runInContext } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openWidgets, type WidgetDatabase } from '../widget-database.ts';
import { widgetMigrations, type WidgetTables } from '../widgets.ts';

describe.each(describeDrivers())('tenant transactions on %s', (driver) => {
  let widgets: WidgetDatabase;

  beforeAll(async () => {
    widgets = await openWidgets(driver);
  });
  afterAll(() => widgets.drop());

  beforeEach(async () => {
    await widgets.system((tx) => tx.deleteFrom('widgets').execute());
    for (const tenant of ['acme', 'globex']) {
      await widgets.as(tenant, (tx) =>
        tx
          .insertInto('widgets')
          .values({ id: '1', name: `of ${tenant}`, size: 1 })
          .execute(),
      );
    }
  });

  it('throw when the context names no tenant, and run nothing', async () => {
    let ran = false;
    const work = (): Promise<void> => {
      ran = true;
      return Promise.resolve();
    };
    await expect(widgets.database.withTenant(work)).rejects.toMatchObject({ code: 'TENANT_REQUIRED' });
    await expect(
      runInContext({ actor: { type: 'system', id: 'test' } }, () => widgets.database.withTenant(work)),
    ).rejects.toMatchObject({ code: 'TENANT_REQUIRED' });
    expect(ran).toBe(false);
  });

  it('see the rows of their tenant alone when the predicate was forgotten', async () => {
    const rows = await widgets.as('acme', (tx) => tx.selectFrom('widgets').select(['tenant_id', 'name']).execute());
    expect(rows).toEqual([{ tenant_id: 'acme', name: 'of acme' }]);
  });

  it('neither change nor delete rows of another tenant when the predicate was forgotten', async () => {
    await widgets.as('acme', async (tx) => {
      const updated = await tx.updateTable('widgets').set({ size: 9 }).executeTakeFirst();
      expect(updated.numUpdatedRows).toBe(1n);
      const deleted = await tx.deleteFrom('widgets').executeTakeFirst();
      expect(deleted.numDeletedRows).toBe(1n);
    });
    const left = await widgets.system((tx) => tx.selectFrom('widgets').select(['tenant_id', 'size']).execute());
    expect(left).toEqual([{ tenant_id: 'globex', size: 1 }]);
  });

  it('find nothing of another tenant by its id, as if it were missing', async () => {
    const rows = await widgets.as('acme', (tx) =>
      tx.selectFrom('widgets').selectAll().where('tenant_id', '=', 'globex').where('id', '=', '1').execute(),
    );
    expect(rows).toEqual([]);
  });

  it('refuse to write a row for another tenant, or to give one away', async () => {
    await expect(
      widgets.as('acme', (tx) =>
        tx.insertInto('widgets').values({ tenant_id: 'globex', id: '2', name: 'planted', size: 1 }).execute(),
      ),
    ).rejects.toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
    await expect(
      widgets.as('acme', (tx) => tx.updateTable('widgets').set({ tenant_id: 'globex', id: '2' }).execute()),
    ).rejects.toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
    expect(await widgets.names()).toEqual(['of acme', 'of globex']);
  });

  it('refuse a reference to a row of another tenant', async () => {
    await widgets.as('globex', (tx) =>
      tx.insertInto('widgets').values({ id: 'parent', name: 'parent', size: 1 }).execute(),
    );
    await expect(
      widgets.as('acme', (tx) =>
        tx.insertInto('widgets').values({ id: '2', name: 'child', size: 1, parent_id: 'parent' }).execute(),
      ),
    ).rejects.toMatchObject({ code: 'DATABASE_REFERENCE_MISSING' });
  });

  it('may not truncate, alter or drop a table, nor take another role for good', async () => {
    for (const statement of [
      'truncate widgets',
      'alter table widgets disable row level security',
      'drop table widgets',
      'create table mine (id text)',
    ]) {
      await expect(
        widgets.as('acme', (tx) => sql.raw(statement).execute(tx)),
        statement,
      ).rejects.toMatchObject({
        code: 'DATABASE_ACCESS_DENIED',
      });
    }
  });

  it('leave no tenant behind on the connection, whether they end well or not', async () => {
    const pool = await openWidgets(driver, { poolMax: 1 });
    const standing = (): Promise<unknown> =>
      pool.system(async (tx) => {
        const state = sql<{ setting: string | null; tenant: string | null; role: string }>`
          select current_setting('tenon.tenant_id', true) as setting, tenon_current_tenant() as tenant, current_user as role`;
        return (await state.execute(tx)).rows[0];
      });
    await pool.as('acme', (tx) => tx.selectFrom('widgets').selectAll().execute());
    const after = { setting: expect.toBeOneOf(['', null]) as unknown, tenant: null, role: 'tenon_system' };
    expect(await standing()).toEqual(after);
    await expect(pool.as('acme', () => Promise.reject(new Error('on purpose')))).rejects.toThrow('on purpose');
    expect(await standing()).toEqual(after);
    await pool.drop();
  });

  it('leave the connection to the login role, which migrations run as', async () => {
    const pool = await openWidgets(driver, { poolMax: 1 });
    const migrations: { version: number; name: string; sql: string }[] = [];
    const asLoginRole = async (): Promise<readonly string[]> => {
      const version = migrations.length + 1;
      // Neither of the two roles may create a table: one that stayed on the connection fails here.
      migrations.push({ version, name: `left_${version}`, sql: `create table left_${version} (id text)` });
      return (await pool.database.migrate([widgetMigrations, { name: 'left', migrations }])).applied;
    };
    await pool.as('acme', (tx) => tx.selectFrom('widgets').selectAll().execute());
    expect(await asLoginRole()).toEqual(['left/0001_left_1']);
    await pool.system((tx) => tx.selectFrom('widgets').selectAll().execute());
    expect(await asLoginRole()).toEqual(['left/0002_left_2']);
    await expect(pool.as('acme', () => Promise.reject(new Error('on purpose')))).rejects.toThrow('on purpose');
    expect(await asLoginRole()).toEqual(['left/0003_left_3']);
    await pool.drop();
  });

  it('show no row when the setting is forgotten, is empty, or names a tenant that does not exist', async () => {
    await widgets.system(async (tx) => {
      await sql`insert into widgets (tenant_id, id, name) values ('', 'nobody', 'of nobody')`.execute(tx);
    });
    for (const setting of ['', 'initech']) {
      const seen = await widgets.as('acme', async (tx) => {
        await sql`select set_config('tenon.tenant_id', ${setting}, true)`.execute(tx);
        return tx.selectFrom('widgets').selectAll().execute();
      });
      expect(seen).toEqual([]);
    }
    const forgotten = await widgets.system(async (tx) => {
      await sql`set local role tenon_tenant`.execute(tx);
      return tx.selectFrom('widgets').selectAll().execute();
    });
    expect(forgotten).toEqual([]);
  });

  it('give new rows the tenant of the context', async () => {
    await widgets.as('initech', (tx) => tx.insertInto('widgets').values({ id: '1', name: 'new', size: 1 }).execute());
    const rows = await widgets.system((tx) =>
      tx.selectFrom('widgets').select('tenant_id').where('name', '=', 'new').execute(),
    );
    expect(rows).toEqual([{ tenant_id: 'initech' }]);
  });

  it('take a tenant id that tries to be SQL as a name, or refuse it', async () => {
    expect(() => runAs({ tenant: "x'; reset role; --" }, () => undefined)).toThrow(
      expect.objectContaining({ code: 'TENANT_INVALID' }),
    );
  });

  it('keep 100 tenants apart who work at the same time', async () => {
    const tenants = Array.from({ length: 100 }, (_, index) => `tenant-${index}`);
    await Promise.all(
      tenants.map((tenant) =>
        widgets.as(tenant, async (tx) => {
          await tx.insertInto('widgets').values({ id: '1', name: tenant, size: 1 }).execute();
          const rows = await tx.selectFrom('widgets').select(['tenant_id', 'name']).execute();
          expect(rows).toEqual([{ tenant_id: tenant, name: tenant }]);
        }),
      ),
    );
    expect(await widgets.names()).toHaveLength(102);
  });

  it('property 10: whatever runs at the same time, each tenant sees exactly what a model of its own rows holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60 }), async (actions) => {
        await widgets.system((tx) => tx.deleteFrom('widgets').execute());
        // Tenants run at once; the actions of one follow each other, so that a model can tell what it must see.
        const byTenant = [...Map.groupBy(actions, ({ tenant }) => tenant)];
        const compared = await Promise.all(byTenant.map(([tenant, own]) => compareWithModel(widgets, tenant, own)));
        for (const { seen, expected } of compared.flat()) expect(seen).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});

const action = fc.record({
  tenant: fc.integer({ min: 0, max: 9 }).map((number) => `tenant-${number}`),
  kind: fc.constantFrom('insert' as const, 'update' as const, 'delete' as const, 'fail' as const, 'read' as const),
  id: fc.constantFrom('a', 'b', 'c'),
  size: fc.integer({ min: 1, max: 5 }),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Does each action in a transaction of its own, and notes what it saw beside what it should have seen. */
async function compareWithModel(
  widgets: WidgetDatabase,
  tenant: string,
  actions: readonly Action[],
): Promise<readonly { seen: unknown; expected: unknown }[]> {
  const model = new Map<string, number>();
  const notes: { seen: unknown; expected: unknown }[] = [];
  for (const one of actions) {
    const run = widgets.as(tenant, async (tx) => {
      await act(tx, one);
      return tx.selectFrom('widgets').selectAll().orderBy('id').execute();
    });
    const seen = await run.catch((error: unknown) => String(error));
    imitate(model, one);
    const rows = ['a', 'b', 'c'].flatMap((id) => {
      const size = model.get(id);
      return size === undefined ? [] : [{ tenant_id: tenant, id, name: id, size, parent_id: null }];
    });
    notes.push({ seen, expected: one.kind === 'fail' ? 'Error: on purpose' : rows });
  }
  return notes;
}

async function act(tx: Tx<WidgetTables>, { kind, id, size }: Action): Promise<void> {
  if (kind === 'insert') {
    await tx
      .insertInto('widgets')
      .values({ id, name: id, size })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet({ size }))
      .execute();
  }
  if (kind === 'update') await tx.updateTable('widgets').set({ size }).execute(); // the forgotten predicate
  if (kind === 'delete') await tx.deleteFrom('widgets').where('id', '=', id).execute();
  if (kind === 'fail') {
    await tx.deleteFrom('widgets').execute();
    throw new Error('on purpose');
  }
}

function imitate(model: Map<string, number>, { kind, id, size }: Action): void {
  if (kind === 'insert') model.set(id, size);
  if (kind === 'update') for (const key of model.keys()) model.set(key, size);
  if (kind === 'delete') model.delete(id);
}
