import pg from 'pg';
import type { TransactionOptions, Tx } from './database.ts';
import { databaseError } from './errors.ts';
import { assertNotAborted, type TransactionBinder } from './transaction.ts';
import { isConnectionFailure, translateError } from './translate-error.ts';

/** As whom, and how, a transaction runs. */
export interface BeginOptions extends Pick<TransactionOptions, 'isolation' | 'readOnly'> {
  readonly role: 'tenon_tenant' | 'tenon_system';
  /** Left out: none, so that a tenant's policies show no row. */
  readonly tenant?: string;
}

/** What {@link runTransaction} needs. */
export interface TransactionRun<T> {
  /** Checked out for this transaction alone. */
  readonly client: pg.PoolClient;
  readonly binder: TransactionBinder;
  readonly begin: BeginOptions;
  readonly signal: AbortSignal | undefined;
  /** Whether there is no other connection to take instead, so that this one is rolled back even when it seems broken. */
  readonly irreplaceable: boolean;
  /** Whether statements may be sent before the answer to the one before has come. */
  readonly pipelined: boolean;
  work(tx: Tx<unknown>): Promise<T>;
}

/** How a transaction ended. */
export type TransactionEnd<T> =
  | { readonly committed: true; readonly result: T; readonly reusable: true }
  | {
      readonly committed: false;
      /** What the work threw, as it is, or a coded error. */
      readonly error: unknown;
      /** Whether the client may be used again. */
      readonly reusable: boolean;
    };

/**
 * Runs work between `begin` and `commit`. What the work throws is passed on untouched: an `ECONNREFUSED` of the caller's own
 * says nothing about this connection.
 */
export async function runTransaction<T>(run: TransactionRun<T>): Promise<TransactionEnd<T>> {
  const { client, signal } = run;
  const bound = run.binder.bind<unknown>(client, signal);
  let begun: Promise<unknown> | undefined;
  try {
    assertNotAborted(signal);
    begun = begin(client, run.begin);
    // A round trip less: the first statement follows at once. Where `begin` fails, so does all that was sent behind it, because it is
    // the connection that has failed: the text of `begin` is fixed but for a tenant of letters and digits.
    if (run.pipelined) begun.catch(() => undefined);
    else await begun;
    const result = await run.work(bound.tx);
    await bound.end();
    await begun;
    assertNotAborted(signal);
    await commit(client);
    return { committed: true, result, reusable: true };
  } catch (thrown) {
    await bound.end();
    // What failed first is what went wrong.
    const error = await Promise.resolve(begun).then(
      () => thrown,
      (failure: unknown) => failure,
    );
    // On a connection whose answer is overdue a rollback would wait as long again.
    const canRollback = run.irreplaceable || !bound.isBroken();
    return { committed: false, error, reusable: canRollback && (await rollback(client)) };
  }
}

/** The one statement that begins a transaction: role and tenant travel with it, in a single round trip. */
function beginStatement({ role, tenant, isolation, readOnly = false }: BeginOptions): string {
  const level = isolation === undefined ? '' : ` isolation level ${isolation}`;
  const access = readOnly ? ' read only' : '';
  const setting = tenant === undefined ? '' : `; set local tenon.tenant_id = ${pg.escapeLiteral(tenant)}`;
  return `begin${level}${access}; set local role ${role}${setting}`;
}

async function begin(client: pg.PoolClient, options: BeginOptions): Promise<void> {
  try {
    await client.query(beginStatement(options));
  } catch (error) {
    throw translateError(error);
  }
}

async function commit(client: pg.PoolClient): Promise<void> {
  let tag: string;
  try {
    tag = (await client.query('commit')).command;
  } catch (error) {
    if (!isConnectionFailure(error)) throw translateError(error);
    throw databaseError(
      'DATABASE_COMMIT_UNKNOWN',
      'the connection broke during the commit: the change may or may not have been made. Look before you repeat it',
      { cause: error },
    );
  }
  // After a failed statement PostgreSQL answers a commit by rolling back, and calls that a success.
  if (tag !== 'COMMIT') {
    throw databaseError(
      'DATABASE_ROLLED_BACK',
      'the transaction was rolled back although its work ended well: a statement of it had failed, and the error was caught. Let the errors of statements leave the work',
    );
  }
}

async function rollback(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}
