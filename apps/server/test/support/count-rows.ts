import { sql } from 'kysely';
import type { TestServer } from './test-server.ts';

/** How many rows each table has, and a hash of their content. */
export type RowCounts = Readonly<Record<string, string>>;

const TABLES = [
  'tenants',
  'users',
  'invitations',
  'tenant_quotas',
  'tenant_settings_history',
  'products',
  'orders',
  'order_lines',
  'order_requests',
  'accounts',
  'api_keys',
] as const;

/** Takes the measure of all that requests can write, apart from the records of who came and failed. */
export async function countRows({ services }: TestServer): Promise<RowCounts> {
  const query = TABLES.map(
    (table) =>
      `select '${table}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as state from ${table} t`,
  );
  const { rows } = await services.database.withSystem('test', (tx) =>
    sql.raw<{ name: string; state: string }>(query.join(' union all ')).execute(tx),
  );
  return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
}
