import type { Connection, FieldPacket, QueryError, ResultSetHeader } from 'mysql2';
import type { SqlConnection } from '../sql/sql-connection.ts';
import type { SqlField, SqlResult } from '../sql/sql-face.ts';
import type { FullSqlSettings } from '../sql/sql-settings.ts';
import { exactNumber } from '../sql/exact-number.ts';

/** Runs statements on a client of `mysql2`. */
export interface MysqlRunner extends Pick<SqlConnection<Connection>, 'run' | 'isInTransaction' | 'client'> {
  /** Runs a statement without values and without preparing it. */
  send(text: string): Promise<SqlResult>;
  /** Has the server forget the session, and the client what it had prepared in it. */
  reset(): Promise<void>;
}

// MySQL internals manual, "Status Flags".
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;
/** A whole number of 64 bits, as the protocol numbers its types. */
const LONGLONG = 8;
/** "This command is not supported in the prepared statement protocol yet". */
const NOT_PREPARABLE = 1295;
const CONTROL = /^\s*(?:begin|start|commit|rollback|savepoint|release|set|use|kill)\b/i;

const CHANGES_DATABASE = /^\s*use\b/i;

type Answer = readonly unknown[] | ResultSetHeader;
type Convert = (text: string) => number | string | bigint;

/** Makes it. */
export function createMysqlRunner(
  resource: string,
  client: Connection,
  bigints: FullSqlSettings['bigints'],
): MysqlRunner {
  let status = AUTOCOMMIT;
  const convert = { number: (text: string) => exactNumber(resource, text), string: String, bigint: BigInt }[bigints];
  const settle =
    (resolve: (result: SqlResult) => void, reject: (error: unknown) => void) =>
    (error: QueryError | null, answer: unknown, fields: unknown): void => {
      if (error !== null) {
        reject(error);
        return;
      }
      try {
        status = headerIn(answer as Answer)?.serverStatus ?? status;
        resolve(toResult(answer as Answer, fields as readonly FieldPacket[] | undefined, convert));
      } catch (failure) {
        reject(failure);
      }
    };
  const send = (text: string): Promise<SqlResult> =>
    new Promise((resolve, reject) => void client.query(text, settle(resolve, reject)));
  const execute = (text: string, values: readonly unknown[]): Promise<SqlResult> =>
    new Promise((resolve, reject) => void client.execute(text, values.map(toParameter), settle(resolve, reject)));

  return {
    client,
    send,
    async run(text, values) {
      if (values.length === 0 && CONTROL.test(text)) {
        if (CHANGES_DATABASE.test(text)) forgetStatements(client);
        return send(text);
      }
      try {
        return await execute(text, values);
      } catch (error) {
        const isPreparable = !(error instanceof Error) || Reflect.get(error, 'errno') !== NOT_PREPARABLE;
        if (isPreparable || values.length > 0) throw error;
        return send(text);
      }
    },
    isInTransaction: () => (status & IN_TRANSACTION) !== 0 || (status & AUTOCOMMIT) === 0,
    reset: () =>
      new Promise((resolve, reject) => {
        client.reset((error) => {
          if (error !== null) return reject(error);
          status = AUTOCOMMIT;
          resolve();
        });
      }),
  };
}

function toResult(answer: Answer, fields: readonly FieldPacket[] | undefined, convert: Convert): SqlResult {
  if (!Array.isArray(answer)) {
    const header = headerIn(answer);
    // As text, when they are large.
    const rowCount: unknown = header?.affectedRows ?? 0;
    const insertId = String(header?.insertId ?? 0);
    return {
      rows: [],
      rowCount: Number(rowCount),
      fields: [],
      ...(insertId === '0' ? {} : { insertId: idFrom(insertId, convert) }),
    };
  }
  // What a procedure gives are several results, each with its fields.
  const isSeveral = Array.isArray(fields?.[0]) || Array.isArray(answer[0]);
  const rows = (isSeveral ? (answer[0] ?? []) : answer) as Record<string, unknown>[];
  const columns = ((isSeveral ? fields?.[0] : fields) ?? []) as readonly FieldPacket[];
  convertBigints(rows, columns, convert);
  return { rows, rowCount: rows.length, fields: columns.map(toField) };
}

/** The row is there already: a number that is too large for a `number` must not make a failure of that. */
function idFrom(text: string, convert: Convert): number | string | bigint {
  return Number.isSafeInteger(Number(text)) ? convert(text) : BigInt(text);
}

function headerIn(answer: Answer): ResultSetHeader | undefined {
  const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer;
  const isHeader = typeof last === 'object' && last !== null && last.constructor.name === 'ResultSetHeader';
  return isHeader ? (last as ResultSetHeader) : undefined;
}

function convertBigints(
  rows: readonly Record<string, unknown>[],
  columns: readonly FieldPacket[],
  convert: Convert,
): void {
  for (const { name, columnType } of columns) {
    if (columnType !== LONGLONG) continue;
    for (const row of rows) {
      const value = row[name];
      if (typeof value === 'string' || typeof value === 'number') row[name] = convert(String(value));
    }
  }
}

const toField = ({ name, columnType = 0 }: FieldPacket): SqlField => ({ name, type: columnType });

// mysql2 would make JSON of bytes that are no Buffer.
function toParameter(value: unknown): never {
  const isBytes = value instanceof Uint8Array && !Buffer.isBuffer(value);
  return (isBytes ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value) as never;
}

/**
 * What is prepared goes on in the database in which it was prepared, so that after a `use` it must be prepared anew. The session is put back
 * after that, and then the server forgets the old ones.
 */
function forgetStatements(client: Connection): void {
  const statements: unknown = Reflect.get(client, '_statements');
  if (typeof statements === 'object' && statements !== null && 'clear' in statements)
    Reflect.apply(statements.clear as () => void, statements, []);
}
