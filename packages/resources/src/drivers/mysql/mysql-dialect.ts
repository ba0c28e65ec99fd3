import { toError } from '@tenon/core';
import type { SqlDialect, SqlFailure, SqlFailureKind } from '../sql/sql-connection.ts';
import type { TransactionOptions } from '../sql/sql-face.ts';
import { isTlsCode, kindOfSystemCode } from '../sql/system-codes.ts';

interface MysqlError extends Error {
  /** The name of the error, of MySQL, of mysql2 or of Node. */
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly sqlMessage?: string;
}

// Error references of MySQL 8.4 and MariaDB 11.4.
const EXACT: Readonly<Record<number, SqlFailureKind>> = {
  1040: 'unavailable', // too many connections
  1041: 'failed',
  1042: 'unavailable',
  1044: 'access-denied',
  1045: 'access-denied',
  1049: 'access-denied', // no such database
  1053: 'ended', // the server stops
  1062: 'conflict',
  1130: 'access-denied', // this host may not connect
  1142: 'access-denied',
  1143: 'access-denied',
  1169: 'conflict',
  1203: 'unavailable', // too many connections of this user
  1205: 'locked',
  1213: 'deadlock',
  1216: 'conflict',
  1217: 'conflict',
  1226: 'unavailable', // the user's limit
  1227: 'access-denied',
  1317: 'stopped',
  1370: 'access-denied',
  1451: 'conflict',
  1452: 'conflict',
  1557: 'conflict',
  1586: 'conflict',
  1614: 'deadlock',
  1698: 'access-denied',
  1761: 'conflict',
  1762: 'conflict',
  1859: 'conflict',
  1927: 'ended', // killed (MariaDB)
  1969: 'stopped', // max_statement_time (MariaDB)
  3024: 'stopped', // max_execution_time (MySQL)
  3572: 'locked', // nowait
  3819: 'conflict', // check (MySQL)
  4025: 'conflict', // check (MariaDB)
  4031: 'ended', // was idle for too long
  // Values that do not fit, which MySQL gives no class of their own.
  1264: 'value',
  1265: 'value',
  1292: 'value',
  1366: 'value',
  1406: 'value',
  3140: 'value',
  // Statements that make no sense, without a class of their own.
  1295: 'statement',
  1305: 'statement',
  1364: 'conflict',
};
const CLASSES: Readonly<Record<string, SqlFailureKind>> = {
  '08': 'lost',
  '22': 'value',
  '23': 'conflict',
  '28': 'access-denied',
  '40': 'deadlock',
  '42': 'statement',
};
/** What the client says, or the system. */
const CLIENT: Readonly<Record<string, SqlFailureKind>> = {
  PROTOCOL_CONNECTION_LOST: 'lost',
  PROTOCOL_SEQUENCE_TIMEOUT: 'lost',
  PROTOCOL_PACKETS_OUT_OF_ORDER: 'lost',
  HANDSHAKE_NO_SSL_SUPPORT: 'tls-missing',
  HANDSHAKE_SSL_ERROR: 'tls',
  AUTH_SWITCH_PLUGIN_ERROR: 'access-denied',
};
// mysql2 reports this without any code.
const NOT_SENT = /^Can't add new command when connection is in closed state/;
// Their messages hold names, never values: `Incorrect integer value: '...'` is among the others, and so are `Duplicate entry '...'`.
const SAFE_CLASSES = new Set(['08', '28', '40', '42', '70']);
const CONSTRAINT_NAMES = [/CONSTRAINT [`"]([^`"]+)[`"]/, /[Cc]onstraint [`'"]([^`'"]+)[`'"]/, / for key '([^']+)'$/];

/** MySQL and MariaDB. */
export const mysqlDialect: SqlDialect = {
  technology: 'mysql',
  doubleQuoted: 'values',
  traces:
    /@|\b(?:get_lock|release_(?:all_)?locks?|last_insert_id\s*\(\s*[^\s)]|temporary|nextval|lastval|setval|handler)\b/i,
  serverInfo: `select version() as version, coalesce(database(), '') as \`database\`, current_user() as \`user\``,
  begin({ isolation, readOnly }: TransactionOptions): readonly string[] {
    const start = `start transaction${readOnly === true ? ' read only' : ''}`;
    // Holds for the next transaction alone.
    return isolation === undefined ? [start] : [`set transaction isolation level ${isolation}`, start];
  },
  failureOf(thrown: unknown): SqlFailure {
    const error = toError(thrown) as MysqlError;
    const { code, errno = 0, sqlState } = error;
    const isAnswer = sqlState !== undefined && errno > 0;
    const kind = isAnswer ? (EXACT[errno] ?? CLASSES[sqlState.slice(0, 2)] ?? 'failed') : kindOfClient(error);
    const isMessageSafe = isAnswer
      ? SAFE_CLASSES.has(sqlState.slice(0, 2)) && kind !== 'value' && kind !== 'conflict'
      : kind !== 'failed';
    return { kind, code, constraint: kind === 'conflict' ? constraintIn(error) : undefined, isMessageSafe };
  },
};

function kindOfClient({ code, message }: MysqlError): SqlFailureKind {
  if (code !== undefined && CLIENT[code] !== undefined) return CLIENT[code];
  if (NOT_SENT.test(message)) return 'ended';
  if (isTlsCode(code)) return 'tls';
  return kindOfSystemCode(code) ?? 'failed';
}

/** MySQL has the constraint in its message alone. A key comes last in its message, behind the value, so that no value is taken for it. */
function constraintIn({ sqlMessage = '' }: MysqlError): string | undefined {
  const isDuplicate = sqlMessage.startsWith('Duplicate entry');
  for (const pattern of isDuplicate ? CONSTRAINT_NAMES.slice(-1) : CONSTRAINT_NAMES.slice(0, 2)) {
    const found = pattern.exec(sqlMessage)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
