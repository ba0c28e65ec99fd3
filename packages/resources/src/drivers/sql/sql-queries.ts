import type { ExposeContext } from '../../definition/resource-definition.ts';
import { runTransaction } from './run-transaction.ts';
import type { SqlQueries, SqlResult, StatementOptions } from './sql-face.ts';
import type { SqlScope, SqlSession } from './sql-session.ts';

const NO_VALUES: readonly unknown[] = [];

/** What statements are run on, outside of any transaction or in one. */
export function createQueries<Client>(
  session: SqlSession<Client>,
  lease: ExposeContext,
  scope: SqlScope | undefined,
): SqlQueries {
  const run = <Row extends object>(
    text: string,
    values: readonly unknown[] = NO_VALUES,
    options?: StatementOptions,
  ): Promise<SqlResult<Row>> =>
    // What a row looks like is for the caller to say.
    session.run({ text, values, options, lease, scope }) as Promise<SqlResult<Row>>;
  return {
    query: run,
    execute: async (text, values, options) => (await run(text, values, options)).rowCount,
    fetchOne: async <Row extends object>(text: string, values?: readonly unknown[], options?: StatementOptions) =>
      (await run<Row>(text, values, options)).rows[0],
    fetchAll: async <Row extends object>(text: string, values?: readonly unknown[], options?: StatementOptions) =>
      (await run<Row>(text, values, options)).rows,
    transaction: (work, options) =>
      runTransaction(session, lease, scope, (inner) => createQueries(session, lease, inner), work, options),
  };
}
