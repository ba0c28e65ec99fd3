import { CompiledQuery } from 'kysely';
import type { Tx } from '@tenon/database';

/** A transaction, whatever tables it was typed for. */
export type AnyTx = Tx<unknown>;

/**
 * Sends one statement. Its text is a constant, so it is prepared once per connection and never built again.
 *
 * @param parameters - for `$1`, `$2`, ... in order
 */
export async function runSql<Row = Record<string, never>>(
  tx: AnyTx,
  text: string,
  parameters: readonly unknown[],
): Promise<readonly Row[]> {
  const { rows } = await tx.executeQuery<Row>(CompiledQuery.raw(text, parameters as unknown[]));
  return rows;
}
