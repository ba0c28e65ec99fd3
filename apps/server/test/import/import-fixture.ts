import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ok, runAs } from '@tenon/core';
import type { Database } from '@tenon/database';
import { createTenancy } from '@tenon/tenancy';
import { createTrading } from '@tenon/trading';
import { importFile, type ImportFileOptions, type ImportFileReport, type Services } from '@tenon/server';

/** The columns that most tests use. */
export const PRODUCT_HEADER = 'sku,name,price_minor,currency';

/** What a test reads back. */
export interface StoredTables {
  readonly products: {
    readonly sku: string;
    readonly name: string;
    readonly description: string;
    readonly category: string | null;
    readonly price_minor: number;
    readonly stock: number;
    readonly version: number;
  };
  readonly users: {
    readonly email: string;
    readonly name: string;
    readonly role: string;
    readonly phone: string | null;
  };
  readonly orders: {
    readonly id: string;
    readonly external_id: string;
    readonly status: string;
    readonly total_minor: number;
    readonly placed_at: Date;
    readonly shipped_at: Date | null;
  };
  readonly imports: { readonly row_count: number; readonly finished_at: Date | null };
}

/** The services that an import uses, on a database that is migrated. */
export function importServices(database: Database): Services {
  const tenancy = createTenancy({ database, settings: { defaults: {}, parse: () => ok({}) } });
  return { database, tenancy, trading: createTrading({ database }) } as unknown as Services;
}

/** A tenant of its own, and a folder for its files. */
export interface ImportFixture {
  readonly tenant: string;
  readonly folder: string;
  /** Writes a file into the folder. */
  write(name: string, content: string | Uint8Array): string;
  /** What a file holds; undefined when there is none. */
  read(name: string): string | undefined;
  run(options: Omit<ImportFileOptions, 'services'>): Promise<ImportFileReport>;
  /** All rows of a table of the tenant, sorted. */
  rows<Name extends keyof StoredTables>(
    table: Name,
    by: keyof StoredTables[Name],
  ): Promise<readonly StoredTables[Name][]>;
  remove(): void;
}

/** Makes one; the rejects file is `rejects.csv` unless a test says otherwise. */
export async function createImportFixture(services: Services): Promise<ImportFixture> {
  const tenant = randomUUID();
  const folder = mkdtempSync(join(tmpdir(), 'tenon-import-'));
  await services.tenancy.tenants.create({
    id: tenant,
    name: 'Import',
    owner: { accountId: randomUUID(), email: 'owner@example.com', name: 'Owner' },
  });
  return {
    tenant,
    folder,
    write(name, content): string {
      const file = join(folder, name);
      writeFileSync(file, content);
      return file;
    },
    read(name): string | undefined {
      try {
        return readFileSync(join(folder, name), 'utf8');
      } catch {
        return undefined;
      }
    },
    ...inTenantOf(services, { tenant, folder }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a fixture does in the database; made anew when the database was opened anew. */
export function inTenantOf(
  services: Services,
  { tenant, folder }: Pick<ImportFixture, 'tenant' | 'folder'>,
): Pick<ImportFixture, 'run' | 'rows'> {
  const inTenant = <T>(work: () => Promise<T>): Promise<T> =>
    runAs({ tenant, actor: { type: 'system', id: 'test' } }, work);
  return {
    run: (options) => inTenant(() => importFile({ services, rejectsFile: join(folder, 'rejects.csv'), ...options })),
    rows: (table, by) =>
      inTenant(() =>
        services.database.withTables<StoredTables>().withTenant(
          async (tx) =>
            (await tx
              .selectFrom(table as 'products')
              .selectAll()
              .orderBy(by as 'sku')
              .execute()) as never,
        ),
      ),
  };
}

/** Products as CSV rows, from SKU-00000001 on. */
export function productRows(count: number, from = 1): string {
  let text = '';
  for (let index = from; index < from + count; index += 1) {
    text += `SKU-${String(index).padStart(8, '0')},Product ${index},${index % 10_000},EUR\n`;
  }
  return text;
}
