import { isCodedError, toError, type CodedError } from '@tenon/core';
import { databaseError, type DatabaseErrorCode } from './errors.ts';

interface PostgresErrorLike extends Error {
  readonly code?: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly severity?: string;
}

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
// pg reports these without any code.
const CONNECTION_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|The server does not support SSL|Client was closed|timeout expired)/;
const ACQUIRE_TIMEOUT = /^timeout exceeded when trying to connect/;

/** Tells whether a failure means that the server cannot be reached now, so that trying again makes sense. */
export function isConnectionFailure(error: unknown): boolean {
  if (isCodedError(error)) return error.code === 'DATABASE_UNAVAILABLE';
  const { code = '', message } = toError(error) as PostgresErrorLike;
  return (
    SYSTEM_CODES.has(code) ||
    code.startsWith('08') || // connection exceptions
    code === '57P01' || // terminated by an administrator
    code === '57P02' ||
    code === '57P03' || // starting up
    code === '53300' || // too many connections
    CONNECTION_MESSAGES.test(message)
  );
}

// PostgreSQL 18 manual, appendix A. The constraint's name is safe to show; the row's values, in `detail`, are not.
function classify(error: PostgresErrorLike): [DatabaseErrorCode, string] {
  const constraint = error.constraint ?? 'unnamed';
  switch (error.code ?? '') {
    case '23505':
      return ['DATABASE_CONFLICT', `a row with the same key exists already (constraint ${constraint})`];
    case '23503':
      return [
        'DATABASE_REFERENCE_MISSING',
        `a row that is referred to is missing or still in use (constraint ${constraint})`,
      ];
    case '23502':
    case '23514':
    case '23P01':
      return ['DATABASE_CONSTRAINT', `a value breaks a rule of the table (constraint ${constraint})`];
    case '40001':
    case '40P01':
      return ['DATABASE_SERIALIZATION', 'the transaction lost against another one; run it again'];
    case '57014':
      return ['DATABASE_STATEMENT_TIMEOUT', 'a statement ran longer than allowed and was stopped'];
    case '28000':
    case '28P01':
    case '3D000':
    case '42501':
      return ['DATABASE_ACCESS_DENIED', 'the database refused access: check user, password, database name and grants'];
    case '22021':
    case '22P02':
    case '22P05':
    case '22001':
    case '22003':
      return ['DATABASE_VALUE_INVALID', 'a value cannot be stored in its column'];
    default:
      return ['DATABASE_QUERY_FAILED', 'the database could not run a statement'];
  }
}

const RETRYABLE = new Set<DatabaseErrorCode>(['DATABASE_SERIALIZATION', 'DATABASE_STATEMENT_TIMEOUT']);

/** Turns whatever the driver threw into a coded error, once; a coded error passes through. */
export function translateError(thrown: unknown): CodedError {
  if (isCodedError(thrown)) return thrown;
  const error = toError(thrown) as PostgresErrorLike;
  if (ACQUIRE_TIMEOUT.test(error.message)) {
    return databaseError('DATABASE_BUSY', 'no database connection came free in time', {
      cause: error,
      retryable: true,
      retryAfterMs: 1_000,
    });
  }
  if (isConnectionFailure(error)) {
    return databaseError('DATABASE_UNAVAILABLE', 'the database cannot be reached', {
      cause: error,
      retryable: true,
      retryAfterMs: 2_000,
    });
  }
  const [code, message] = classify(error);
  return databaseError(code, message, {
    cause: error,
    retryable: RETRYABLE.has(code),
    details: {
      ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
      ...(error.code === undefined ? {} : { sqlState: error.code }),
    },
  });
}
