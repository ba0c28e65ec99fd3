import { requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql, type RawBuilder } from 'kysely';
import { tenancyError } from '../errors.ts';
import { createRecordMapping } from './record-mapping.ts';
import type { TenantAware } from './tenant-aware.ts';

/** A record that a {@link TenantRepository} can hold. */
export interface TenantRecord extends TenantAware {
  readonly id: string;
  /** Raised by each update. */
  readonly version: number;
}

/** What {@link createTenantRepository} takes. */
export interface TenantRepositoryOptions<T extends TenantRecord> {
  /** A table with the columns `tenant_id`, `id` and `version`, under tenant isolation. */
  readonly table: string;
  /** The column of each field. */
  readonly columns: { readonly [Field in keyof T & string]: string };
  /** Columns that follow from fields being written and are no fields themselves, for example a key to search by. */
  readonly derive?: (fields: Partial<T>) => Readonly<Record<string, unknown>>;
}

/** The fields that a caller writes: the tenant comes from the context, the version from the row. */
export type WritableFields<T extends TenantRecord> = Omit<T, 'tenantId' | 'version'>;

/**
 * The records of one table, always those of the context's tenant: each statement says so itself, besides the row level
 * security beneath it. All methods throw `TENANT_REQUIRED` without a tenant in the context.
 *
 * @typeParam T - the record; a type without `tenantId` does not compile
 */
export interface TenantRepository<T extends TenantRecord> {
  /** The record with an id, or `undefined` when this tenant has none. */
  find<Tables>(tx: Tx<Tables>, id: string): Promise<T | undefined>;
  /** @throws `TENANT_FIELD_REFUSED` when the fields name a tenant or a version, whatever their static type */
  insert<Tables>(tx: Tx<Tables>, fields: WritableFields<T>): Promise<T>;
  /**
   * Changes fields of a record and raises its version.
   *
   * @returns the record as it is now, or `undefined` when this tenant has none with this id
   * @throws `TENANT_FIELD_REFUSED` when the fields name an id, a tenant or a version
   */
  update<Tables>(tx: Tx<Tables>, id: string, fields: Partial<Omit<WritableFields<T>, 'id'>>): Promise<T | undefined>;
  /** @returns whether there was such a record */
  remove<Tables>(tx: Tx<Tables>, id: string): Promise<boolean>;
  /** Makes the record of a row that a query of one's own has read. */
  toRecord(row: object): T;
}

/**
 * Makes the repository of a table.
 *
 * @example
 * ```ts
 * interface Note { readonly tenantId: string; readonly id: string; readonly text: string; readonly version: number }
 * const notes = createTenantRepository<Note>({
 *   table: 'notes',
 *   columns: { tenantId: 'tenant_id', id: 'id', text: 'body', version: 'version' },
 * });
 * await database.withTenant((tx) => notes.insert(tx, { id: newId(), text: 'Call back' }));
 * ```
 * @throws `TENANCY_OPTIONS_INVALID` when tenant, id or version are in other columns than `tenant_id`, `id`, `version`
 */
export function createTenantRepository<T extends TenantRecord>(
  options: TenantRepositoryOptions<T>,
): TenantRepository<T> {
  const columns: Readonly<Record<string, string>> = options.columns;
  if (columns['tenantId'] !== 'tenant_id' || columns['id'] !== 'id' || columns['version'] !== 'version') {
    throw tenancyError(
      'TENANCY_OPTIONS_INVALID',
      `the repository of "${options.table}" must keep tenant, id and version in the columns tenant_id, id and version`,
    );
  }
  const mapping = createRecordMapping(options);
  const { selection } = mapping;
  const table = sql.table(options.table);
  const first = async <Tables>(tx: Tx<Tables>, statement: RawBuilder<unknown>): Promise<T | undefined> => {
    const { rows } = await statement.execute(tx);
    return rows[0] === undefined ? undefined : mapping.toRecord(rows[0] as object);
  };

  return {
    toRecord: (row) => mapping.toRecord(row),
    find: (tx, id) => first(tx, sql`select ${selection} from ${table} where ${only(id)}`),
    async insert(tx, written) {
      const entries: (readonly [string, unknown])[] = [
        ['tenant_id', requireTenant()],
        ...mapping.toColumns(written, ['tenantId', 'version']),
      ];
      const names = sql.join(entries.map(([column]) => sql.ref(column)));
      const values = sql.join(entries.map(([, value]) => sql`${value}`));
      const record = await first(tx, sql`insert into ${table} (${names}) values (${values}) returning ${selection}`);
      if (record === undefined) throw tenancyError('TENANT_FIELD_REFUSED', `no row of "${options.table}" was written`);
      return record;
    },
    async update(tx, id, written) {
      const changes = mapping
        .toColumns(written, ['tenantId', 'id', 'version'])
        .map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
      const set = sql.join([...changes, sql`version = version + 1`]);
      return first(tx, sql`update ${table} set ${set} where ${only(id)} returning ${selection}`);
    },
    async remove(tx, id) {
      const { numAffectedRows } = await sql`delete from ${table} where ${only(id)}`.execute(tx);
      return numAffectedRows === 1n;
    },
  };
}

/** The condition that names one row of the context's tenant. */
function only(id: string): RawBuilder<unknown> {
  return sql`tenant_id = ${requireTenant()} and id = ${id}`;
}
