import { toError } from '@tenon/core';
import type { SqlDialect, SqlFailure, SqlFailureKind } from '../sql/sql-connection.ts';
import type { TransactionOptions } from '../sql/sql-face.ts';
import { isTlsCode, kindOfSystemCode } from '../sql/system-codes.ts';

interface PostgresError extends Error {
  /** SQLSTATE when the server answered, else a code of Node. */
  readonly code?: string;
  readonly constraint?: string;
}

// PostgreSQL 18 manual, appendix A.
const EXACT: Readonly<Record<string, SqlFailureKind>> = {
  '08001': 'unavailable',
  '08004': 'unavailable',
  '08P01': 'failed',
  '25P02': 'rolled-back',
  '25P03': 'ended', // was idle inside a transaction for too long
  '3D000': 'access-denied',
  '40001': 'deadlock',
  '40P01': 'deadlock',
  '40002': 'conflict',
  '40003': 'lost',
  '42501': 'access-denied',
  '53300': 'unavailable', // too many connections
  '55P03': 'locked',
  '57014': 'stopped',
  '57P01': 'ended', // by an administrator, or as the server stops
  '57P02': 'ended', // another process of the server crashed
  '57P03': 'unavailable', // it starts
  '57P04': 'ended', // the database was dropped
  '57P05': 'ended', // was idle for too long
};
const CLASSES: Readonly<Record<string, SqlFailureKind>> = {
  '08': 'lost',
  '22': 'value',
  '23': 'conflict',
  '26': 'statement',
  '28': 'access-denied',
  '34': 'statement',
  '3F': 'statement',
  '42': 'statement',
};
// Their messages hold names, never values. Others may: `invalid input syntax for type integer: "..."`.
const SAFE_CLASSES = new Set(['08', '23', '25', '26', '28', '34', '3D', '3F', '40', '42', '53', '54', '55', '57']);
const SQLSTATE = /^[0-9A-Z]{5}$/;
// pg reports these without any code.
const NOT_SENT = /^Client (?:has encountered a connection error|was closed) and is not queryable/;
const LOST = /^Connection terminated/;
const NOT_CONNECTED = /^timeout expired/;
const NO_TLS = /^The server does not support SSL/;
const TLS_BROKE = /^There was an error establishing an SSL connection/;

/** PostgreSQL. */
export const postgresDialect: SqlDialect = {
  technology: 'postgres',
  traces:
    /\b(?:set_config|pg_(?:try_)?advisory_\w+|pg_temp\w*|temp|temporary|setseed|dblink\w*|pg_prepare\w*|lo_\w+|nextval|currval|lastval)\b/i,
  serverInfo: `select current_setting('server_version') as version, current_database()::text as database, current_user::text as "user"`,
  begin({ isolation, readOnly }: TransactionOptions): readonly string[] {
    const level = isolation === undefined ? '' : ` isolation level ${isolation}`;
    return [`begin${level}${readOnly === true ? ' read only' : ''}`];
  },
  failureOf(thrown: unknown): SqlFailure {
    const { code, constraint, message } = toError(thrown) as PostgresError;
    const isState = code !== undefined && SQLSTATE.test(code) && !code.startsWith('E');
    const kind = isState ? kindOfState(code) : kindOfClient(code, message);
    const isMessageSafe = isState ? SAFE_CLASSES.has(code.slice(0, 2)) : kind !== 'failed';
    return { kind, code, constraint: kind === 'conflict' ? constraint : undefined, isMessageSafe };
  },
};

function kindOfState(state: string): SqlFailureKind {
  return EXACT[state] ?? CLASSES[state.slice(0, 2)] ?? 'failed';
}

function kindOfClient(code: string | undefined, message: string): SqlFailureKind {
  if (NO_TLS.test(message)) return 'tls-missing';
  if (isTlsCode(code) || TLS_BROKE.test(message)) return 'tls';
  if (NOT_CONNECTED.test(message)) return 'unavailable';
  if (NOT_SENT.test(message)) return 'ended';
  if (LOST.test(message)) return 'lost';
  return kindOfSystemCode(code) ?? 'failed';
}
