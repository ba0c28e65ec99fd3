import { currentContext, type Clock, type Timer } from '@tenon/core';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import { resourceError, type ResourceError } from '../../errors.ts';
import type { SqlConnection, SqlDialect } from './sql-connection.ts';
import type { SqlResult, StatementOptions } from './sql-face.ts';
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
const NO_ENDS: readonly AbortSignal[] = [];

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

  /** Opens a transaction, or a savepoint: from now on statements run in it alone. @throws `RESOURCE_QUERY_INVALID` unless `parent` is the innermost */
  enter(scope: SqlScope): void {
    this.#assertPlace(scope.parent);
    this.scope = scope;
  }

  /** Says that the connection must not be used again. */
  giveUp(): void {
    this.#isUnfit = true;
  }

  /** Runs one statement when it is its turn. @throws a coded error */
  async run(statement: SessionStatement): Promise<SqlResult> {
    const { factsOf, telemetry } = this.options;
    const { text } = statement;
    const facts = factsOf(text);
    const observed = telemetry.start(this.connection, facts);
    try {
      this.#assertPlace(statement.scope);
      if (statement.values.length > 0) assertValues(this.options.resource, statement.values);
      const ends = this.#endsOf(statement);
      if (this.#turns.isBusy) await this.#turns.wait(this.options, ends, statement.options?.timeoutMs);
      else this.#turns.take();
      const result = await this.#send(statement, facts, ends, observed.startedMs);
      telemetry.end(observed, text);
      return result;
    } catch (error) {
      telemetry.end(observed, text, error);
      throw error;
    }
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
      this.#running?.lose();
      // A statement whose connection just goes would run on without anybody.
      await this.connection.cancel(signal).catch(() => undefined);
      this.connection.destroy();
      return;
    }
    const drop = (): void => this.connection.destroy();
    signal.addEventListener('abort', drop, { once: true });
    await this.connection.end().finally(() => signal.removeEventListener('abort', drop));
  }

  async #send(
    statement: SessionStatement,
    facts: StatementFacts,
    ends: readonly AbortSignal[],
    startedMs: number,
  ): Promise<SqlResult> {
    const { text, values } = statement;
    let running: RunningStatement | undefined;
    try {
      this.#assertReady(statement, ends);
      if (facts.leavesTrace) this.#hasTrace = true;
      running = this.#watch(statement, facts, ends, startedMs);
      const result = await this.connection.run(text, values);
      running.assertWanted();
      return result;
    } catch (thrown) {
      if (running === undefined) throw thrown;
      const error = running.meaningOf(thrown);
      if (error.code === 'RESOURCE_TRANSACTION_CONFLICT') this.#undo(error);
      if (GONE.has(error.code)) this.#isUnfit = true;
      throw error;
    } finally {
      this.#running = undefined;
      const isFit = running?.settle() ?? true;
      if (isFit !== true && !(await isFit)) this.#isUnfit = true;
      this.#turns.pass();
    }
  }

  #watch(
    { options, lease, scope, isCommit = false }: SessionStatement,
    { isRead }: StatementFacts,
    ends: readonly AbortSignal[],
    startedMs: number,
  ): RunningStatement {
    const { resource, dialect, clock, settings } = this.options;
    const phase = isCommit ? 'commit' : 'statement';
    const running = new RunningStatement({
      connection: this.connection,
      place: { resource, dialect, phase, isUndone: scope !== undefined || isRead },
      isRead,
      clock,
      cancelTimeoutMs: settings.cancelTimeoutMs,
      lease,
      startedMs,
      timeoutMs: options?.timeoutMs,
      limitMs: settings.statementTimeoutMs === 0 ? Infinity : settings.statementTimeoutMs + GRACE_MS,
    });
    this.#running = running;
    if (this.#lookTimer === undefined) this.#look();
    if (ends.length > 0 || options?.timeoutMs !== undefined) running.listen(ends);
    return running;
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
    const context = currentContext();
    const own = options?.signal ?? scope?.signal ?? context?.signal ?? context?.deadline?.signal;
    // A commit that is ended early leaves nobody the wiser.
    if (own === undefined || isCommit) return NO_ENDS;
    return [options?.signal, scope?.signal, context?.signal, context?.deadline?.signal].filter(
      (one) => one !== undefined,
    );
  }

  /** Asked when a statement is given, as what was given before it may still wait for its turn. */
  #assertPlace(scope: SqlScope | undefined): void {
    if (scope === this.scope) return;
    const why =
      scope === undefined || isInside(this.scope, scope)
        ? 'it is in a transaction, where statements run on the "tx" of the innermost one alone'
        : 'its transaction has ended';
    const { resource } = this.options;
    throw resourceError('RESOURCE_QUERY_INVALID', `a statement for database "${resource}" cannot run here: ${why}`, {
      details: { resource },
    });
  }

  /** Asked when it is its turn. */
  #assertReady({ lease, scope }: SessionStatement, ends: readonly AbortSignal[]): void {
    const { resource } = this.options;
    lease.assertHeld();
    const aborted = ends.find((one) => one.aborted);
    if (aborted !== undefined) throw endedBy(resource, aborted.reason);
    if (scope?.undoneBy !== undefined) throw rolledBack(resource, scope.undoneBy);
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

function assertValues(resource: string, values: readonly unknown[]): void {
  const at = values.indexOf(undefined);
  if (at < 0) return;
  throw resourceError(
    'RESOURCE_QUERY_INVALID',
    `value ${at + 1} of a statement for database "${resource}" is undefined: give null for no value`,
    { details: { resource, value: at + 1 } },
  );
}
