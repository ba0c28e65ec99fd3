import { sql } from 'kysely';
import type { Database } from './database.ts';

/** A table whose rows could be seen by another tenant. */
export interface UnprotectedTable {
  readonly table: string;
  readonly problem: string;
}

interface Row {
  readonly table_name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly isolated: boolean;
  readonly owned: boolean;
}

/**
 * Reads the catalog for tables with a `tenant_id` column that are not fully under row level security, so that a test or a
 * health check can refuse them. The answer must be empty.
 */
export async function findUnprotectedTables(database: Database): Promise<readonly UnprotectedTable[]> {
  const { rows } = await database.withSystem('catalog-check', (tx) =>
    sql<Row>`
      select c.relname as table_name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
        exists (select from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname
          and p.policyname = 'tenant_isolation' and p.roles = array['tenon_tenant']::name[]
          and p.qual like '%tenon.tenant_id%' and p.with_check like '%tenon.tenant_id%') as isolated,
        pg_get_userbyid(c.relowner) in ('tenon_tenant', 'tenon_system') as owned
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
      where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
      order by 1`.execute(tx),
  );
  return rows.flatMap((row) => {
    const problem = problemOf(row);
    return problem === undefined ? [] : [{ table: row.table_name, problem }];
  });
}

function problemOf(row: Row): string | undefined {
  if (!row.enabled) return 'row level security is not enabled';
  if (!row.forced) return 'row level security is not forced';
  if (!row.isolated) return 'the policy tenant_isolation is missing, or does not check both reads and writes';
  if (row.owned) return 'a role that requests run as owns it';
  return undefined;
}
