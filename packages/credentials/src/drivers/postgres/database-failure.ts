import { isCodedError, type CodedError } from '@tenon/core';
import { credentialError, type CredentialErrorCode } from '../../errors.ts';

/** A failure of the database as one of the storage. Before a commit, whatever failed has changed nothing. */
export function databaseFailure(error: unknown, kind: 'read' | 'write'): unknown {
  if (!isCodedError(error)) return error;
  const [code, message, retryable] = translate(error, kind);
  if (code === undefined) return error;
  return credentialError(code, message, {
    cause: error,
    retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}

type Translation = readonly [CredentialErrorCode, string, boolean] | readonly [undefined, '', false];

// PostgreSQL manual, appendix A.
const UNDEFINED_TABLE = '42P01';

function translate(error: CodedError, kind: 'read' | 'write'): Translation {
  switch (error.code) {
    case 'DATABASE_COMMIT_UNKNOWN':
      return kind === 'write'
        ? [
            'CREDENTIAL_OUTCOME_UNKNOWN',
            'the connection to the database broke while the change was committed: it may or may not have been made. Look before you repeat it',
            false,
          ]
        : ['CREDENTIAL_STORAGE_UNAVAILABLE', 'the connection to the database broke', true];
    case 'DATABASE_UNAVAILABLE':
    case 'DATABASE_BUSY':
    case 'DATABASE_LOCKED':
    case 'DATABASE_SERIALIZATION':
    case 'DATABASE_DIRECTORY_LOCKED':
      return [
        'CREDENTIAL_STORAGE_UNAVAILABLE',
        `the database of credentials is not available (${error.code}); nothing was changed`,
        true,
      ];
    case 'DATABASE_STATEMENT_TIMEOUT':
      return ['CREDENTIAL_STORAGE_TIMEOUT', 'the database did not answer in time; nothing was changed', true];
    case 'DATABASE_ACCESS_DENIED':
    case 'DATABASE_TLS_FAILED':
      return [
        'CREDENTIAL_STORAGE_DENIED',
        'the database of credentials refused access; see the cause in the log for what it wants',
        false,
      ];
    case 'DATABASE_ABORTED':
      return ['CREDENTIAL_ABORTED', 'the caller gave up before the work was done; nothing was changed', false];
    case 'DATABASE_CLOSED':
      return ['CREDENTIALS_CLOSED', 'the database beneath the credentials has been closed', false];
    case 'DATABASE_NESTED_TRANSACTION':
      return [
        'CREDENTIAL_STORAGE_FAILED',
        'the vault was used inside a transaction of its own database, which could wait for itself for ever: use it before or after',
        false,
      ];
    default:
      return error.details['sqlState'] === UNDEFINED_TABLE
        ? [
            'CREDENTIAL_STORAGE_FAILED',
            'the database has no table of credentials: give credentialMigrations() to migrate()',
            false,
          ]
        : [undefined, '', false];
  }
}
