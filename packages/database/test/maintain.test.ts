import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWidgets, type WidgetDatabase } from './widget-database.ts';

describe.each(describeDrivers())('maintenance on %s', (driver) => {
  let widgets: WidgetDatabase;
  beforeAll(async () => {
    widgets = await openWidgets(driver, { poolMax: 1 });
  });
  afterAll(() => widgets.drop());

  const fill = (): Promise<unknown> =>
    widgets.as('acme', (tx) =>
      sql`insert into widgets (id, name) select n::text, n::text from generate_series(1, 1000) n`.execute(tx),
    );

  it('works on the tables that changed much, and on nothing when nothing did', async () => {
    await widgets.database.maintain();
    expect(await widgets.database.maintain()).toEqual([]);
    await fill();
    expect(await widgets.database.maintain()).toEqual(['public.widgets']);
    const { rows } = await widgets.system((tx) =>
      sql<{ estimated: number }>`select reltuples::int8 as estimated from pg_class where relname = 'widgets'`.execute(
        tx,
      ),
    );
    expect(rows).toEqual([{ estimated: 1000 }]);
    expect(await widgets.database.maintain()).toEqual([]);
  });

  it('is refused inside a transaction', async () => {
    await expect(widgets.system(() => widgets.database.maintain())).rejects.toMatchObject({
      code: 'DATABASE_NESTED_TRANSACTION',
    });
  });
});

describe('maintenance on the embedded database', () => {
  it('frees the space of deleted rows', async () => {
    const widgets = await openWidgets('pglite');
    const pages = async (): Promise<unknown> => {
      const { rows } = await widgets.system((tx) =>
        sql<{ size: number }>`select pg_relation_size('widgets') as size`.execute(tx),
      );
      return rows[0]?.size;
    };
    const insert = (): Promise<unknown> =>
      widgets.as('acme', (tx) =>
        sql`insert into widgets (id, name) select n::text, n::text from generate_series(1, 1000) n`.execute(tx),
      );
    await insert();
    const full = await pages();
    for (let times = 0; times < 3; times += 1) {
      await widgets.system((tx) => tx.deleteFrom('widgets').execute());
      await widgets.database.maintain();
      await insert();
    }
    expect(await pages()).toBe(full);
    await widgets.drop();
  });
});
