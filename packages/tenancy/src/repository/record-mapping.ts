import { sql, type RawBuilder } from 'kysely';
import { tenancyError } from '../errors.ts';
import type { TenantRecord, TenantRepositoryOptions } from './tenant-repository.ts';

/** How the fields of a record and the columns of its table belong together. */
export interface RecordMapping<T extends TenantRecord> {
  /** All columns of the record, for `select` and `returning`. */
  readonly selection: RawBuilder<unknown>;
  /** The record of a row, frozen; times as ISO 8601 text. */
  toRecord(row: object): T;
  /**
   * Column and value of each field written, and of what follows from them.
   *
   * @throws `TENANT_FIELD_REFUSED` for fields that are refused, or that the record has not
   */
  toColumns(written: object, refused: readonly string[]): readonly (readonly [column: string, value: unknown])[];
}

/** Makes the mapping of a repository. */
export function createRecordMapping<T extends TenantRecord>(options: TenantRepositoryOptions<T>): RecordMapping<T> {
  const columns: Readonly<Record<string, string>> = options.columns;
  const fields = Object.entries(columns);
  const derive = options.derive ?? (() => ({}));

  const columnOf = (field: string, refused: readonly string[]): string => {
    const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
    if (column !== undefined && !refused.includes(field)) return column;
    throw tenancyError(
      'TENANT_FIELD_REFUSED',
      `"${field}" cannot be written to "${options.table}": tenant and version are set by the database itself`,
    );
  };

  return {
    selection: sql.join(fields.map(([, column]) => sql.ref(column))),
    toRecord(row) {
      const values = row as Readonly<Record<string, unknown>>;
      const record: Record<string, unknown> = {};
      for (const [field, column] of fields) {
        const value = values[column];
        record[field] = value instanceof Date ? value.toISOString() : value;
      }
      return Object.freeze(record) as T;
    },
    toColumns: (written, refused) => [
      ...Object.entries(written).map(([field, value]) => [columnOf(field, refused), value] as const),
      ...Object.entries(derive(written as Partial<T>)),
    ],
  };
}
