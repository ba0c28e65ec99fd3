import type { ExposeContext } from '../../definition/resource-definition.ts';
import { resourceError, type ResourceError } from '../../errors.ts';
import type { SqlQueries, SqlResult, TransactionOptions } from './sql-face.ts';
import type { SqlScope, SqlSession } from './sql-session.ts';
import { endedBy } from './statement-end.ts';

const NO_VALUES: readonly unknown[] = [];
const LEVELS: ReadonlySet<string> = new Set(['read uncommitted', 'read committed', 'repeatable read', 'serializable']);

/**
 * Runs work between `begin` and `commit`, or, inside another transaction, behind a savepoint. What the work throws is passed on untouched.
 *
 * @param parent - the transaction in which it is asked for
 * @param queriesIn - gives what the work runs its statements on
 */
export async function runTransaction<Client, Result>(
  session: SqlSession<Client>,
  lease: ExposeContext,
  parent: SqlScope | undefined,
  queriesIn: (scope: SqlScope) => SqlQueries,
  work: (tx: SqlQueries) => Promise<Result>,
  options: TransactionOptions = {},
): Promise<Result> {
  const { resource, dialect } = session.options;
  if (parent !== undefined && (options.isolation !== undefined || options.readOnly !== undefined)) {
    throw invalid(resource, '"isolation" and "readOnly" are for the outermost transaction');
  }
  // It stands in the text of a statement, and may come from where types are not looked at.
  if (options.isolation !== undefined && !LEVELS.has(options.isolation)) {
    throw invalid(resource, `"isolation" must be ${[...LEVELS].join(', ')}`);
  }
  const scope: SqlScope = { parent, signal: joined(parent?.signal, options.signal), undoneBy: undefined };
  const run = (text: string, isCommit = false): Promise<SqlResult> =>
    session.run({ text, values: NO_VALUES, options: undefined, lease, scope, isCommit });
  const savepoint = `tenon_${depthOf(scope)}`;

  session.enter(scope);
  try {
    for (const text of parent === undefined ? dialect.begin(options) : [`savepoint ${savepoint}`]) await run(text);
    const result = await work(queriesIn(scope));
    if (session.scope !== scope) {
      throw invalid(resource, 'it has ended before one inside it: wait for what is inside');
    }
    if (scope.signal?.aborted === true) throw endedBy(resource, scope.signal.reason);
    if (scope.undoneBy !== undefined) throw rolledBack(resource, scope.undoneBy);
    const isOutermost = parent === undefined;
    const { command } = await run(isOutermost ? 'commit' : `release savepoint ${savepoint}`, isOutermost);
    session.scope = parent;
    // After a failed statement PostgreSQL answers a commit by rolling back, and calls that a success.
    if (command === 'ROLLBACK') throw rolledBack(resource, undefined);
    return result;
  } catch (error) {
    if (session.scope !== parent) await undo(session, scope, savepoint);
    throw error;
  }
}

/** Takes everything back that was done in a transaction. A connection that cannot do that is not used again. */
async function undo<Client>(session: SqlSession<Client>, scope: SqlScope, savepoint: string): Promise<void> {
  const { parent } = scope;
  session.scope = parent;
  // What the server has undone already has no savepoints any more. The outermost one rolls back, to be sure.
  if (parent !== undefined && scope.undoneBy !== undefined) return;
  const texts =
    parent === undefined ? ['rollback'] : [`rollback to savepoint ${savepoint}`, `release savepoint ${savepoint}`];
  try {
    for (const text of texts) await session.settleBy(text);
  } catch (failure) {
    if (parent === undefined) session.giveUp();
    // What was done behind the savepoint could else be committed with the rest.
    for (let outer = parent; outer !== undefined; outer = outer.parent) outer.undoneBy ??= failure;
  }
}

function depthOf({ parent }: SqlScope): number {
  return parent === undefined ? 0 : depthOf(parent) + 1;
}

function joined(outer: AbortSignal | undefined, own: AbortSignal | undefined): AbortSignal | undefined {
  if (outer === undefined || own === undefined) return own ?? outer;
  return AbortSignal.any([outer, own]);
}

function invalid(resource: string, problem: string): ResourceError {
  return resourceError(
    'RESOURCE_QUERY_INVALID',
    `a transaction on database "${resource}" cannot be run so: ${problem}`,
    {
      details: { resource },
    },
  );
}

function rolledBack(resource: string, cause: unknown): ResourceError {
  return resourceError(
    'RESOURCE_TRANSACTION_ROLLED_BACK',
    `the transaction on database "${resource}" was rolled back although its work ended well: a statement of it had failed, and the error was caught. Let the errors of statements leave the work`,
    { ...(cause === undefined ? {} : { cause }), details: { resource } },
  );
}
