import { isCodedError, toError, type CodedError } from '@tenon/core';
import { databaseError, type DatabaseErrorCode } from './errors.ts';

interface DriverError extends Error {
  /** SQLSTATE when the server answered, else a code of Node. */
  readonly code?: string;
  readonly constraint?: string;
}

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // the socket file of a server on this machine
]);
// pg reports these without any code.
const CONNECTION_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout)/;
const ACQUIRE_TIMEOUT = /^timeout exceeded when trying to connect/;
const POOL_ENDED = /^Cannot use a pool after calling end/;
// Codes of Node's TLS (tls manual, "X509 certificate error codes"), and what pg says of a server without TLS.
const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/;
const TLS_MESSAGES = /^(The server does not support SSL|There was an error establishing an SSL connection)/;

/**
 * Tells whether a failure of the driver means that the connection is gone or was never made, so that it must not be used
 * again and another one may do better.
 */
export function isConnectionFailure(error: unknown): boolean {
  if (isCodedError(error)) return error.code === 'DATABASE_UNAVAILABLE';
  const { code = '', message } = toError(error) as DriverError;
  return (
    SYSTEM_CODES.has(code) ||
    /^(08|57P|53)...?$/.test(code) || // connection exceptions; ended by the server, or starting; out of resources
    code === '25P03' || // ended for being idle inside a transaction
    CONNECTION_MESSAGES.test(message)
  );
}

/**
 * Tells whether a prepared statement no longer fits its table, which was changed meanwhile. The connection would give the
 * same answer for ever, a new one prepares afresh.
 */
export function isStalePlan(error: unknown): boolean {
  const { code, message } = toError(error) as DriverError;
  return code === '0A000' && /cached plan must not change result type/.test(message);
}

function isTlsFailure({ code = '', message }: DriverError): boolean {
  return TLS_CODES.test(code) || TLS_MESSAGES.test(message);
}

const EXACT: Readonly<Record<string, DatabaseErrorCode>> = {
  '23505': 'DATABASE_CONFLICT',
  '23503': 'DATABASE_REFERENCE_MISSING',
  '23001': 'DATABASE_REFERENCE_MISSING',
  '23502': 'DATABASE_CONSTRAINT',
  '23514': 'DATABASE_CONSTRAINT',
  '23P01': 'DATABASE_CONSTRAINT',
  '40001': 'DATABASE_SERIALIZATION',
  '40P01': 'DATABASE_SERIALIZATION',
  '55P03': 'DATABASE_LOCKED',
  '57014': 'DATABASE_STATEMENT_TIMEOUT',
  '25P02': 'DATABASE_ROLLED_BACK',
  '28000': 'DATABASE_ACCESS_DENIED',
  '28P01': 'DATABASE_ACCESS_DENIED',
  '3D000': 'DATABASE_ACCESS_DENIED',
  '42501': 'DATABASE_ACCESS_DENIED',
};

// PostgreSQL 18 manual, appendix A. Class 22 is "data exception".
function classify({ code = '' }: DriverError): DatabaseErrorCode {
  return (
    EXACT[code] ?? (code.startsWith('22') && code.length === 5 ? 'DATABASE_VALUE_INVALID' : 'DATABASE_QUERY_FAILED')
  );
}

// The constraint's name is safe to show; the row's values, in the driver's `detail`, are not.
function messageOf(code: DatabaseErrorCode, constraint: string): string {
  const messages: Partial<Record<DatabaseErrorCode, string>> = {
    DATABASE_CONFLICT: `a row with the same key exists already (constraint ${constraint})`,
    DATABASE_REFERENCE_MISSING: `a row that is referred to is missing or still in use (constraint ${constraint})`,
    DATABASE_CONSTRAINT: `a value breaks a rule of the table (constraint ${constraint})`,
    DATABASE_SERIALIZATION: 'the transaction lost against another one; run it again',
    DATABASE_LOCKED: 'a row or table is locked by another transaction; try again',
    DATABASE_STATEMENT_TIMEOUT: 'a statement ran longer than allowed and was stopped',
    DATABASE_ROLLED_BACK:
      'a statement of this transaction had failed before, so that it does nothing more and will be rolled back',
    DATABASE_ACCESS_DENIED:
      'the database refused access: user, password, database name or a grant is wrong, or a row belongs to another tenant',
    DATABASE_VALUE_INVALID: 'a value cannot be stored in its column, or not be computed with',
  };
  return messages[code] ?? 'the database could not run a statement';
}

const RETRYABLE = new Set<DatabaseErrorCode>([
  'DATABASE_LOCKED',
  'DATABASE_SERIALIZATION',
  'DATABASE_STATEMENT_TIMEOUT',
]);

/** Turns whatever the driver threw into a coded error, once; a coded error passes through. */
export function translateError(thrown: unknown): CodedError {
  if (isCodedError(thrown)) return thrown;
  const error = toError(thrown) as DriverError;
  if (ACQUIRE_TIMEOUT.test(error.message)) {
    return databaseError('DATABASE_BUSY', 'no database connection came free in time', {
      cause: error,
      retryable: true,
      retryAfterMs: 1_000,
    });
  }
  if (POOL_ENDED.test(error.message)) {
    return databaseError('DATABASE_CLOSED', 'the database has been closed', { cause: error });
  }
  if (isTlsFailure(error)) {
    return databaseError(
      'DATABASE_TLS_FAILED',
      'no encrypted connection to the database could be made: it offers no TLS, or its certificate is not trusted; check "tls.mode" and "tls.ca"',
      { cause: error },
    );
  }
  if (isStalePlan(error)) {
    return databaseError('DATABASE_SERIALIZATION', 'a table was changed while the transaction ran; run it again', {
      cause: error,
      retryable: true,
    });
  }
  if (isConnectionFailure(error)) {
    return databaseError('DATABASE_UNAVAILABLE', 'the database cannot be reached, or cannot work at present', {
      cause: error,
      retryable: true,
      retryAfterMs: 2_000,
    });
  }
  const code = classify(error);
  return databaseError(code, messageOf(code, error.constraint ?? 'unnamed'), {
    cause: error,
    retryable: RETRYABLE.has(code),
    details: {
      ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
      ...(error.code === undefined ? {} : { sqlState: error.code }),
    },
  });
}
