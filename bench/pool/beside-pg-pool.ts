import pg from 'pg';
import { interleave, progress, type InterleaveOptions } from '../result.ts';
import { work, type Cycle } from './peers.ts';

/** What {@link besidePgPool} takes. */
export interface BesidePgPoolOptions extends InterleaveOptions {
  /** Of the server. */
  readonly url: string;
  /** How many connections pg's pool has, and how many workers share the work. */
  readonly workers: number;
  /** How many statements one measured call runs. */
  readonly statements: number;
}

/** Runs `select 1` our way and through pg's own pool, taking turns. @returns statements a second */
export async function besidePgPool(
  ours: Cycle,
  { url, workers, statements, ...turns }: BesidePgPoolOptions,
): Promise<Record<'ours' | 'pgPool', number>> {
  progress('select 1');
  const pool = new pg.Pool({ connectionString: url, max: workers });
  const bare = async (): Promise<void> => {
    const client = await pool.connect();
    await client.query('select 1');
    client.release();
  };
  try {
    const rates = await interleave(
      { ours: () => work(ours, workers, statements), pgPool: () => work(bare, workers, statements) },
      turns,
    );
    return { ours: rates.ours * statements, pgPool: rates.pgPool * statements };
  } finally {
    await pool.end();
  }
}
