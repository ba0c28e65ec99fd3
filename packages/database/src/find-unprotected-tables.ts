import { sql } from 'kysely';
import type { Database } from './database.ts';

/** A table or view through which another tenant's rows could be seen or changed. */
export interface UnprotectedTable {
  readonly table: string;
  readonly problem: string;
}

interface Row {
  readonly name: string;
  /** `pg_class.relkind`. */
  readonly kind: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly isolated: boolean;
  readonly widened: boolean;
  readonly owned: boolean;
  readonly truncatable: boolean;
  readonly invoker: boolean;
}

/**
 * Reads the catalog for tables and views with a `tenant_id` column that are not fully under row level security, so that a test
 * or a health check can refuse them. The answer must be empty.
 */
export async function findUnprotectedTables(database: Database): Promise<readonly UnprotectedTable[]> {
  const { rows } = await database.withSystem('catalog-check', (tx) =>
    sql<Row>`
      select c.relname as name, c.relkind as kind, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
        exists (select from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname
          and p.policyname = 'tenant_isolation' and p.roles = array['tenon_tenant']::name[] and p.cmd = 'ALL'
          and p.qual like '%tenon.tenant_id%' and p.with_check like '%tenon.tenant_id%') as isolated,
        exists (select from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname
          and p.policyname <> 'tenant_isolation' and p.permissive = 'PERMISSIVE'
          and p.roles && array['tenon_tenant', 'public']::name[]) as widened,
        pg_get_userbyid(c.relowner) in ('tenon_tenant', 'tenon_system') as owned,
        has_table_privilege('tenon_tenant', c.oid, 'TRUNCATE') as truncatable,
        coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false) as invoker
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
      where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(temp|toast)'
      order by 1`.execute(tx),
  );
  return rows.flatMap((row) => {
    const problem = problemOf(row);
    return problem === undefined ? [] : [{ table: row.name, problem }];
  });
}

function problemOf(row: Row): string | undefined {
  if (row.kind === 'v') {
    return row.invoker ? undefined : 'the view reads as its owner: create it with (security_invoker = true)';
  }
  if (row.kind === 'm') return 'a materialized view has no row level security';
  if (row.kind === 'f') return 'a foreign table has no row level security';
  if (!row.enabled) return 'row level security is not enabled';
  if (!row.forced) return 'row level security is not forced';
  if (!row.isolated) return 'the policy tenant_isolation is missing, or does not check both reads and writes';
  if (row.widened) return 'another policy lets tenants see more than tenant_isolation does';
  if (row.owned) return 'a role that requests run as owns it';
  if (row.truncatable) return 'tenants may truncate it, which no policy prevents';
  return undefined;
}
