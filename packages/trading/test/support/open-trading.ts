import { newId, runAs, type JsonValue } from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import type { CursorCodec, Database } from '@tenon/database';
import { openTestDatabase, type TestDriver } from '@tenon/database/testing';
import { tenancyMigrations } from '@tenon/tenancy';
import { createTrading, tradingMigrations, type NewProduct, type Product, type Trading } from '@tenon/trading';
import { CompiledQuery, sql } from 'kysely';
import type { RecordedStatement } from './record-statements.ts';

/** Cursors in plain sight. */
export const cursors: CursorCodec = {
  encode: (value) => Buffer.from(JSON.stringify(value)).toString('base64url'),
  decode: (text) => JSON.parse(Buffer.from(text, 'base64url').toString()) as JsonValue,
};

/** A tenant with one person in it. */
export interface TestTenant {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  /** Runs work in the tenant. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Trading on a database of the test file's own. */
export interface OpenTrading {
  readonly database: Database;
  readonly trading: Trading;
  readonly clock: TestClock;
  readonly url: string | undefined;
  newTenant(): Promise<TestTenant>;
  /** Adds a person. */
  newUser(tenant: TestTenant, email: string): Promise<string>;
  /** Runs SQL across tenants. */
  query<Row>(text: string): Promise<readonly Row[]>;
  /** The plan of a statement that runs in the tenant, as text. */
  explain(tenant: TestTenant, statement: RecordedStatement): Promise<string>;
  drop(): Promise<void>;
}

/** Opens a database with the tables of tenancy and trading. */
export async function openTrading(driver: TestDriver): Promise<OpenTrading> {
  const opened = await openTestDatabase(driver, [tenancyMigrations(), tradingMigrations()]);
  const { database } = opened;
  const clock = createTestClock();
  const trading = createTrading({ database, clock });
  const query = async <Row>(text: string): Promise<readonly Row[]> => {
    const { rows } = await database.withSystem('test', (tx) => sql.raw<Row>(text).execute(tx));
    return rows;
  };
  const addUser = (tenant: string, email: string): Promise<string> =>
    database.withSystem('test', async (tx) => {
      const id = newId();
      await sql`insert into users (tenant_id, id, email, email_key, name)
        values (${tenant}, ${id}, ${email}, ${email.toLowerCase()}, 'Somebody')`.execute(tx);
      return id;
    });
  return {
    database,
    trading,
    clock,
    url: opened.url,
    query,
    explain: (tenant, statement) =>
      tenant.run(() =>
        database.withTenant(async (tx) => {
          const text = CompiledQuery.raw(`explain ${statement.sql}`, [...statement.parameters]);
          const { rows } = await tx.executeQuery<{ 'QUERY PLAN': string }>(text);
          return rows.map((row) => row['QUERY PLAN']).join('\n');
        }),
      ),
    drop: () => opened.drop(),
    async newTenant() {
      const id = `t-${newId()}`;
      await database.withSystem('test', (tx) =>
        sql`insert into tenants (tenant_id, name) values (${id}, 'A tenant')`.execute(tx),
      );
      const email = 'Owner@example.com';
      const userId = await addUser(id, email);
      return { id, userId, email, run: (work) => runAs({ tenant: id }, work) };
    },
    newUser: (tenant, email) => addUser(tenant.id, email),
  };
}

let skus = 0;

/** A product to create, different from all others. */
export function someProduct(change: Partial<NewProduct> = {}): NewProduct {
  skus += 1;
  return { sku: `SKU-${skus}`, name: `Product ${skus}`, priceMinor: 1000, currency: 'EUR', stock: 10, ...change };
}

/** Creates a product in the running tenant. */
export function createProduct(trading: Trading, change: Partial<NewProduct> = {}): Promise<Product> {
  return trading.products.create(someProduct(change));
}
