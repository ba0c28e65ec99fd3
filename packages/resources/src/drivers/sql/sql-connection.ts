import type { SqlResult, TransactionOptions } from './sql-face.ts';

/** One connection to a database, in terms that do not depend on its protocol. What it throws are errors of its library. */
export interface SqlConnection<Client> {
  /** The client of the library. */
  readonly client: Client;
  /** Names of OpenTelemetry's conventions for databases: `postgresql`, `mysql` or `mariadb`. */
  readonly system: string;
  readonly target: { readonly host: string; readonly port: number; readonly database: string };
  /** Runs one statement. There is never a second one under way. */
  run(text: string, values: readonly unknown[]): Promise<SqlResult>;
  /** Whether it ended or failed, as far as is known without asking. */
  isBroken(): boolean;
  /** Whether a transaction is open, as the server last said. */
  isInTransaction(): boolean;
  /** Asks the server, on another connection, to stop what runs on this one. Resolves when the server has taken notice. */
  cancel(signal: AbortSignal): Promise<void>;
  /** Puts the session back to how it was in the beginning. */
  resetSession(): Promise<void>;
  /** Takes leave of the server, and resolves when the connection is gone. */
  end(): Promise<void>;
  /** Drops the connection at once, without a word. */
  destroy(): void;
}

/**
 * What a failure of a library means. `ended`: the server has ended the connection, and with it what was under way. `lost`: nobody knows
 * how far it came. `unavailable`: there was no connection. `tls-missing`: the server speaks no TLS.
 */
export type SqlFailureKind =
  | 'access-denied'
  | 'conflict'
  | 'deadlock'
  | 'ended'
  | 'failed'
  | 'locked'
  | 'lost'
  | 'rolled-back'
  | 'statement'
  | 'stopped'
  | 'tls'
  | 'tls-missing'
  | 'unavailable'
  | 'value';

/** A failure of a library, without the values that its message may hold. */
export interface SqlFailure {
  readonly kind: SqlFailureKind;
  /** The SQLSTATE, or a name of the library or of the system. */
  readonly code: string | undefined;
  readonly constraint?: string | undefined;
  /** Whether the message can only hold names, and no value of a row or a parameter. */
  readonly isMessageSafe: boolean;
}

/** What is different between databases. */
export interface SqlDialect {
  /** The technology of the resource. */
  readonly technology: string;
  /** The statements that begin a transaction. */
  begin(options: TransactionOptions): readonly string[];
  /** Statements that read and write rows, and yet change the session: names of functions, and the like. */
  readonly traces: RegExp;
  /** What stands in double quotes. Slow statements are logged with names, and without values. Default `names`. */
  readonly doubleQuoted?: 'names' | 'values';
  /** The statement that asks the server who it is: one row with `version`, `database` and `user`. */
  readonly serverInfo: string;
  /** What a failure means. */
  failureOf(thrown: unknown): SqlFailure;
}
