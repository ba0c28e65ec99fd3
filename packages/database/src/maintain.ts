import type pg from 'pg';
import { translateError } from './translate-error.ts';

// As PostgreSQL's autovacuum decides: 50 rows and a tenth of the table (manual, section 25.1.6).
const CHANGED_TABLES = `
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid join pg_namespace n on n.oid = c.relnamespace
  where s.n_mod_since_analyze > 50 + 0.1 * greatest(c.reltuples, 0)
    and pg_has_role(c.relowner, 'usage')
  order by 1`;

/**
 * Refreshes the planner's statistics of tables that have changed much, and frees dead rows of the embedded database. A server
 * does this by itself after a while; PGlite never does, and without statistics a plan can read a whole table for one row.
 *
 * @returns the tables that were worked on
 */
export async function maintainTables(pool: pg.Pool, vacuum: boolean): Promise<readonly string[]> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translateError(error);
  });
  try {
    // A session reports what it changed a second or more later; the embedded database has no other session to wait for.
    await client.query('select pg_stat_force_next_flush()');
    const { rows } = await client.query<{ name: string }>(CHANGED_TABLES);
    // Outside of a transaction, which VACUUM demands; one by one, so that other work gets its turn in between.
    for (const { name } of rows) await client.query(vacuum ? `vacuum (analyze) ${name}` : `analyze ${name}`);
    return rows.map(({ name }) => name);
  } catch (error) {
    throw translateError(error);
  } finally {
    client.release();
  }
}
