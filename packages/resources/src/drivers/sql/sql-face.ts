/** A column of a result. */
export interface SqlField {
  readonly name: string;
  /** The number of its type, as the database has it: an OID of PostgreSQL, a type of MySQL's protocol. */
  readonly type: number;
}

/** What a statement came to. */
export interface SqlResult<Row extends object = Record<string, unknown>> {
  /** Empty when it gives none. Of several statements in one text, those of the last; of a procedure of MySQL, its first. */
  readonly rows: readonly Row[];
  /** How many rows it gave, or, when it gives none, changed. MySQL counts rows that it found and left as they were. */
  readonly rowCount: number;
  readonly fields: readonly SqlField[];
  /** What was done, as PostgreSQL names it: `INSERT`. MySQL does not say. */
  readonly command?: string | undefined;
  /** The number that MySQL gave to the first row that was inserted. PostgreSQL has `returning`. */
  readonly insertId?: number | string | bigint | undefined;
}

/** How one statement is to run. */
export interface StatementOptions {
  /**
   * Ends it: the server is told to stop, and the call fails when it has stopped. It ends as well with the deadline and the signal of the
   * context, and with the lease.
   */
  readonly signal?: AbortSignal;
  /** How long it may take, waiting for its turn included, in milliseconds, 1 or more. Default: the `statementTimeoutMs` of the resource. */
  readonly timeoutMs?: number;
}

/** How a transaction is to run. */
export interface TransactionOptions {
  /** What it sees of others. Default: the database's own. Not for one inside another. */
  readonly isolation?: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';
  /** Whether it may only read. Default `false`. Not for one inside another. */
  readonly readOnly?: boolean;
  /** Ends it: the statement under way stops, and all is rolled back. */
  readonly signal?: AbortSignal;
}

/** What statements can be run on. Statements that are not waited for run one after the other. */
export interface SqlQueries {
  /**
   * Runs a statement. Values never become part of its text: PostgreSQL has them as `$1`, MySQL as `?`.
   *
   * @param values - without `undefined`; a `Uint8Array` is bytes, other objects are JSON (arrays are PostgreSQL's own)
   * @throws `RESOURCE_QUERY_INVALID`, `RESOURCE_QUERY_CONFLICT`, `RESOURCE_VALUE_INVALID`, `RESOURCE_QUERY_FAILED`,
   *   `RESOURCE_ACCESS_DENIED` for the statement; `RESOURCE_TIMEOUT`, `RESOURCE_CANCELLED` after its end; `RESOURCE_LOCKED`,
   *   `RESOURCE_TRANSACTION_CONFLICT` for others that were before it; `RESOURCE_CONNECTION_LOST`, `RESOURCE_UNAVAILABLE` for the
   *   connection; `LEASE_RELEASED` and `RESOURCE_REVOKED` after its lease
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<SqlResult<Row>>;
  /** Runs a statement for its effect. @returns how many rows it changed */
  execute(text: string, values?: readonly unknown[], options?: StatementOptions): Promise<number>;
  /** The first row, or `undefined` when there is none. */
  fetchOne<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row | undefined>;
  /** All rows. */
  fetchAll<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<readonly Row[]>;
  /**
   * Runs work in a transaction: committed when the work ends well, rolled back when it throws, which is then passed on as it is. Inside
   * another one it is a savepoint. Until it has ended, statements run on its `tx` alone.
   *
   * @throws what the work throws; `RESOURCE_COMMIT_UNKNOWN` when the connection broke during the commit;
   *   `RESOURCE_TRANSACTION_ROLLED_BACK` when a statement of it had failed and the work went on
   */
  transaction<Result>(work: (tx: SqlQueries) => Promise<Result>, options?: TransactionOptions): Promise<Result>;
}

/** Whom one is connected to. */
export interface SqlServerInfo {
  readonly version: string;
  readonly database: string;
  readonly user: string;
}

/** What borrowers of a database get. */
export interface SqlFace<Client> extends SqlQueries {
  /**
   * The client of the library, for what this face does not offer. Whatever is done with it, the session is put back as it was before the
   * next borrower has it. It must not be used after the lease.
   */
  readonly client: Client;
  /** Asks the server who it is. */
  serverInfo(options?: StatementOptions): Promise<SqlServerInfo>;
}
