import { runAs } from '@tenon/core';
import type { Database, DatabaseOptions, TransactionOptions, Tx } from '@tenon/database';
import { openTestDatabase, type TestDriver } from '@tenon/database/testing';
import { widgetMigrations, type WidgetTables } from './widgets.ts';

/** A test database with widgets in it. */
export interface WidgetDatabase {
  readonly database: Database<WidgetTables>;
  readonly url: string | undefined;
  /** One transaction as a tenant. */
  as<T>(tenant: string, work: (tx: Tx<WidgetTables>) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** One transaction across tenants. */
  system<T>(work: (tx: Tx<WidgetTables>) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Names of all widgets of all tenants, sorted. */
  names(): Promise<readonly string[]>;
  drop(): Promise<void>;
}

/** Opens a fresh database with widgets in it. */
export async function openWidgets(
  driver: TestDriver,
  options: Omit<DatabaseOptions, 'url' | 'dataDir'> = {},
): Promise<WidgetDatabase> {
  const opened = await openTestDatabase(driver, [widgetMigrations], options);
  const database = opened.database.withTables<WidgetTables>();
  const system: WidgetDatabase['system'] = (work, given) => database.withSystem('test', work, given);
  return {
    database,
    url: opened.url,
    as: (tenant, work, given) => runAs({ tenant }, () => database.withTenant(work, given)),
    system,
    names: async () =>
      (await system((tx) => tx.selectFrom('widgets').select('name').execute())).map((row) => row.name).toSorted(),
    drop: () => opened.drop(),
  };
}
