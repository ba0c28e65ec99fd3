import { currentContext, type Clock, type Timer } from '@tenon/core';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import { resourceError, type ResourceError } from '../../errors.ts';
import type { SqlConnection, SqlDialect } from './sql-connection.ts';
import type { SqlResult, StatementOptions } from './sql-face.ts';
import type { FailurePlace } from './sql-failure.ts';
import type { FullSqlSettings } from './sql-settings.ts';
import type { StatementFacts } from './statement-facts.ts';
import { RunningStatement } from './running-statement.ts';
import { endedBy } from './statement-end.ts';
import type { StatementTelemetry } from './statement-telemetry.ts';
import { StatementTurns } from './statement-turns.ts';

/** What all sessions of one resource have in common. */
export interface SqlSessionOptions {
  readonly resource: string;
  readonly dialect: SqlDialect;
  readonly settings: FullSqlSettings;
  readonly clock: Clock;
  readonly telemetry: StatementTelemetry;
  readonly factsOf: (text: string) => StatementFacts;
}

/** A transaction, or a savepoint in one, that is open. */
export interface SqlScope {
  readonly parent: SqlScope | undefined;
  readonly signal: AbortSignal | undefined;
  /** What has undone the whole transaction behind its back, so that statements would now run outside of it. */
  undoneBy: unknown;
}

/** How a statement is run within a session. */
export interface SessionStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly options: StatementOptions | undefined;
  readonly lease: ExposeContext;
  /** Undefined: outside of any transaction. */
  readonly scope: SqlScope | undefined;
  /** Whether it is the commit: nobody may end it early. */
  readonly isCommit?: boolean;
}

/** How often a running statement is looked after, in milliseconds. Short ones are over before the first look, and cost no timer each. */
const LOOK_MS = 50;
/** How much longer than allowed the server may take to end a statement by itself before it is told to, in milliseconds. */
const GRACE_MS = 1_000;
const GONE: ReadonlySet<string> = new Set([
  'RESOURCE_CONNECTION_LOST',
  'RESOURCE_COMMIT_UNKNOWN',
  'RESOURCE_UNAVAILABLE',
]);
const NO_VALUES: readonly unknown[] = [];

/** One connection, and what its borrowers do with it: one statement at a time, each ended in time, each failure with its meaning. */
export class SqlSession<Client> {
  readonly connection: SqlConnection<Client>;
  readonly options: SqlSessionOptions;
  /** The innermost transaction that is open. */
  scope: SqlScope | undefined;
  readonly #turns = new StatementTurns();
  #running: RunningStatement | undefined;
  #lookTimer: Timer | undefined;
  #hasTrace = false;
  #isUnfit = false;

  constructor(connection: SqlConnection<Client>, options: SqlSessionOptions) {
    this.connection = connection;
    this.options = options;
  }

  /** Whether the connection is beyond use. */
  get isBroken(): boolean {
    return this.#isUnfit || this.connection.isBroken();
  }

  get isBusy(): boolean {
    return this.#turns.isBusy;
  }

  /** Says that the session may not be as it was in the beginning. */
  leaveTrace(): void {
    this.#hasTrace = true;
  }

  /** Says that the connection must not be used again. */
  giveUp(): void {
    this.#isUnfit = true;
  }

  /** Runs one statement when it is its turn. @throws a coded error */
  run(statement: SessionStatement): Promise<SqlResult> {
    const facts = this.options.factsOf(statement.text);
    if (facts.leavesTrace) this.#hasTrace = true;
    return this.options.telemetry.observe(this.connection, statement.text, facts, () => this.#run(statement, facts));
  }

  /** Runs a statement that puts things in order, whether or not its lease still holds. @throws an error of the library */
  async settleBy(text: string): Promise<void> {
    const { resource, clock, settings } = this.options;
    const { cancelTimeoutMs } = settings;
    if (this.#turns.isBusy) await this.#turns.wait({ resource, clock }, [], undefined);
    else this.#turns.take();
    const timer = clock.schedule(() => this.connection.destroy(), cancelTimeoutMs);
    try {
      await this.connection.run(text, NO_VALUES);
    } finally {
      timer.cancel();
      this.#turns.pass();
    }
  }

  /**
   * Makes the session fit for the next borrower.
   *
   * @returns whether it is
   */
  async reset(): Promise<boolean> {
    if (this.isBroken || this.isBusy) return false;
    const { reset } = this.options.settings;
    this.scope = undefined;
    if (this.connection.isInTransaction()) await this.connection.run('rollback', NO_VALUES);
    if (reset === 'always' || (reset === 'session' && this.#hasTrace)) await this.connection.resetSession();
    this.#hasTrace = false;
    return !this.connection.isBroken();
  }

  /** Whether there is nothing to put back, so that {@link SqlSession.reset} need not be waited for. */
  get isAsNew(): boolean {
    const { reset } = this.options.settings;
    return (
      !this.#hasTrace && reset !== 'always' && !this.isBusy && !this.isBroken && !this.connection.isInTransaction()
    );
  }

  /** Ends the connection, and what still runs on it. */
  async end(signal: AbortSignal): Promise<void> {
    this.#isUnfit = true;
    this.#lookTimer?.cancel();
    if (this.isBusy && !this.connection.isBroken()) {
      // A statement whose connection just goes would run on without anybody.
      await this.connection.cancel(signal).catch(() => undefined);
      this.connection.destroy();
      return;
    }
    const drop = (): void => this.connection.destroy();
    signal.addEventListener('abort', drop, { once: true });
    await this.connection.end().finally(() => signal.removeEventListener('abort', drop));
  }

  async #run(statement: SessionStatement, facts: StatementFacts): Promise<SqlResult> {
    const ends = this.#endsOf(statement);
    const startedMs = this.options.clock.monotonicMs();
    if (this.#turns.isBusy) await this.#turns.wait(this.options, ends, statement.options?.timeoutMs);
    else this.#turns.take();
    try {
      this.#assertAllowed(statement, ends);
      return await this.#send(statement, facts, ends, startedMs);
    } finally {
      this.#turns.pass();
    }
  }

  async #send(
    statement: SessionStatement,
    facts: StatementFacts,
    ends: readonly AbortSignal[],
    startedMs: number,
  ): Promise<SqlResult> {
    const { resource, dialect, clock, settings } = this.options;
    const { text, values, options, lease, scope, isCommit = false } = statement;
    const place: FailurePlace = {
      resource,
      dialect,
      phase: isCommit ? 'commit' : 'statement',
      isUndone: scope !== undefined || facts.isRead,
    };
    const running = new RunningStatement({
      connection: this.connection,
      place,
      clock,
      isRead: facts.isRead,
      cancelTimeoutMs: settings.cancelTimeoutMs,
      lease,
      startedMs,
      timeoutMs: options?.timeoutMs,
      limitMs: settings.statementTimeoutMs === 0 ? Infinity : settings.statementTimeoutMs + GRACE_MS,
    });
    this.#running = running;
    if (this.#lookTimer === undefined) this.#look();
    try {
      if (ends.length > 0 || options?.timeoutMs !== undefined) running.listen(ends);
      const result = await this.connection.run(text, values);
      running.assertWanted();
      return result;
    } catch (thrown) {
      const error = running.meaningOf(thrown);
      if (error.code === 'RESOURCE_TRANSACTION_CONFLICT') this.#undo(error);
      if (GONE.has(error.code)) this.#isUnfit = true;
      throw error;
    } finally {
      this.#running = undefined;
      const isFit = running.settle();
      if (isFit !== true && !(await isFit)) this.#isUnfit = true;
    }
  }

  /** Looks after what runs, from time to time: whether its lease still holds, and whether its answer is overdue. */
  #look(): void {
    this.#lookTimer = this.options.clock.schedule(() => {
      this.#lookTimer = undefined;
      if (this.#running === undefined) return;
      this.#running.look();
      this.#look();
    }, LOOK_MS);
  }

  #endsOf({ options, scope, isCommit = false }: SessionStatement): readonly AbortSignal[] {
    // A commit that is ended early leaves nobody the wiser.
    if (isCommit) return [];
    const context = currentContext();
    const ends = [options?.signal, scope?.signal, context?.signal, context?.deadline?.signal];
    return ends.filter((one) => one !== undefined);
  }

  #assertAllowed({ lease, scope }: SessionStatement, ends: readonly AbortSignal[]): void {
    const { resource } = this.options;
    lease.assertHeld();
    const aborted = ends.find((one) => one.aborted);
    if (aborted !== undefined) throw endedBy(resource, aborted.reason);
    if (scope === this.scope) {
      if (scope?.undoneBy !== undefined) throw rolledBack(resource, scope.undoneBy);
      return;
    }
    const why =
      scope === undefined || isInside(this.scope, scope)
        ? 'it is in a transaction, where statements run on the "tx" of the innermost one alone'
        : 'its transaction has ended';
    throw resourceError('RESOURCE_QUERY_INVALID', `a statement for database "${resource}" cannot run here: ${why}`, {
      details: { resource },
    });
  }

  /** What is left of a transaction that the server has undone would run outside of it. */
  #undo(by: unknown): void {
    for (let scope = this.scope; scope !== undefined; scope = scope.parent) scope.undoneBy = by;
  }
}

function isInside(inner: SqlScope | undefined, outer: SqlScope): boolean {
  for (let scope = inner; scope !== undefined; scope = scope.parent) if (scope === outer) return true;
  return false;
}

function rolledBack(resource: string, cause: unknown): ResourceError {
  return resourceError(
    'RESOURCE_TRANSACTION_ROLLED_BACK',
    `the transaction on database "${resource}" was rolled back in favour of another one; let that error leave the work, and run it again`,
    { cause, details: { resource } },
  );
}
