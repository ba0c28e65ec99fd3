import { isCodedError, toError } from '@tenon/core';
import { resourceError, type ResourceError, type ResourceErrorCode } from '../../errors.ts';
import type { SqlDialect, SqlFailure, SqlFailureKind } from './sql-connection.ts';

/** Where a failure came from. */
export interface FailurePlace {
  readonly resource: string;
  readonly dialect: SqlDialect;
  readonly phase: 'connect' | 'statement' | 'commit';
  /** Whether what was under way is undone when the connection ends, or did nothing but read. */
  readonly isUndone: boolean;
}

interface Meaning {
  readonly code: ResourceErrorCode;
  readonly retryable: boolean;
  /** Behind the name of the resource. */
  readonly message: string;
}

const MEANINGS: Readonly<Record<SqlFailureKind, Meaning>> = {
  'access-denied': {
    code: 'RESOURCE_ACCESS_DENIED',
    retryable: false,
    message:
      'refused access: check user, password, database name and grants, in its settings and the credential of its slot "login"',
  },
  conflict: { code: 'RESOURCE_QUERY_CONFLICT', retryable: false, message: 'refused a row' },
  deadlock: {
    code: 'RESOURCE_TRANSACTION_CONFLICT',
    retryable: true,
    message: 'rolled a transaction back in favour of another one; run the whole of it again',
  },
  ended: {
    code: 'RESOURCE_CONNECTION_LOST',
    retryable: true,
    message: 'ended the connection, and undid what was under way',
  },
  failed: { code: 'RESOURCE_QUERY_FAILED', retryable: false, message: 'could not run a statement' },
  locked: {
    code: 'RESOURCE_LOCKED',
    retryable: true,
    message: 'has a row or table locked for somebody else; try again',
  },
  lost: {
    code: 'RESOURCE_CONNECTION_LOST',
    retryable: true,
    message: 'cannot be reached any more: the connection broke',
  },
  'rolled-back': {
    code: 'RESOURCE_TRANSACTION_ROLLED_BACK',
    retryable: false,
    message:
      'does nothing more in this transaction, as a statement of it had failed; let the errors of statements leave the work',
  },
  statement: { code: 'RESOURCE_QUERY_INVALID', retryable: false, message: 'cannot make sense of a statement' },
  stopped: {
    code: 'RESOURCE_TIMEOUT',
    retryable: true,
    message: 'stopped a statement: it ran longer than "statementTimeoutMs", or somebody else had it stopped',
  },
  tls: {
    code: 'RESOURCE_TLS_FAILED',
    retryable: false,
    message:
      'cannot be connected to in TLS, as its certificate is not trusted or the handshake failed: check "tls.ca" and the host of its settings',
  },
  'tls-missing': {
    code: 'RESOURCE_TLS_REQUIRED',
    retryable: false,
    message:
      'offers no TLS, and is on another machine or was asked for it: turn it on there. Where nobody can listen in between, such as within one private network, say so in its settings: "tls": { "mode": "disable" }',
  },
  unavailable: {
    code: 'RESOURCE_UNAVAILABLE',
    retryable: true,
    message: 'cannot be reached, or takes no more connections now',
  },
  value: {
    code: 'RESOURCE_VALUE_INVALID',
    retryable: false,
    message: 'cannot store a value in its column, or not compute with it',
  },
};

/**
 * Says what a failure of a library means. The table follows appendix A of the manual of PostgreSQL and the error references of MySQL and
 * MariaDB, which the dialects read.
 */
export function toSqlError(thrown: unknown, place: FailurePlace): ResourceError {
  if (isCodedError<ResourceErrorCode>(thrown)) return thrown;
  const failure = place.dialect.failureOf(thrown);
  const isGone = failure.kind === 'lost' || failure.kind === 'ended';
  if (isGone && place.phase === 'commit') return commitUnknown(thrown, failure, place);
  const { code, retryable, message } = meaningOf(failure, place);
  const isUnknown = failure.kind === 'lost' && place.phase === 'statement' && !place.isUndone;
  const constraint = failure.constraint === undefined ? '' : `: it breaks the constraint "${failure.constraint}"`;
  const unknown = isUnknown ? '. What was under way may have been done: look before you repeat it' : '';
  return resourceError(code, `database "${place.resource}" ${message}${constraint}${unknown}`, {
    cause: bare(thrown, failure),
    retryable: retryable && !isUnknown,
    details: { ...factsOf(failure, place), ...(isUnknown ? { mayHaveBeenApplied: true } : {}) },
  });
}

/** What it means when nobody knows whether a transaction was committed. */
function commitUnknown(thrown: unknown, failure: SqlFailure, place: FailurePlace): ResourceError {
  return resourceError(
    'RESOURCE_COMMIT_UNKNOWN',
    `the connection to database "${place.resource}" broke during the commit: the change may have been made or not. Look before you repeat it`,
    { cause: bare(thrown, failure), details: { ...factsOf(failure, place), mayHaveBeenApplied: true } },
  );
}

// While a connection is being made, nothing is lost yet.
function meaningOf({ kind }: SqlFailure, { phase }: FailurePlace): Meaning {
  const isConnecting = phase === 'connect' && (kind === 'lost' || kind === 'ended' || kind === 'stopped');
  return MEANINGS[isConnecting ? 'unavailable' : kind];
}

function factsOf({ code, constraint }: SqlFailure, { resource }: FailurePlace): Readonly<Record<string, string>> {
  return {
    resource,
    ...(code === undefined ? {} : { serverCode: code }),
    ...(constraint === undefined ? {} : { constraint }),
  };
}

/**
 * The error of the library for logs. The original is not passed on: servers write values of rows and parameters into its message and
 * into its fields, and loggers write those out.
 */
function bare(thrown: unknown, failure: SqlFailure): Error {
  const { name, message } = toError(thrown);
  const shown = failure.isMessageSafe ? message : 'the message of the server is left out, as it may hold values';
  const error = new Error(shown);
  error.name = name;
  return Object.assign(error, failure.code === undefined ? {} : { code: failure.code });
}
