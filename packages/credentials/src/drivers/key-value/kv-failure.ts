import { isCodedError } from '@tenon/core';
import { credentialError } from '../../errors.ts';
import type { CredentialKey } from '../../identity/credential-key.ts';

/** What failed: reading, or writing what is only a preparation; or the one write that makes the change. */
export type KvStep = 'harmless' | 'change';

/**
 * A failure of a key-value store as one of the storage. The store says of some that a write may have happened: before the change itself
 * that does no harm.
 */
export function kvFailure(error: unknown, step: KvStep, key?: CredentialKey): unknown {
  if (!isCodedError(error)) return error;
  const details = key === undefined ? {} : { id: key.id, scope: key.scope };
  const whose = key === undefined ? '' : ` for credential "${key.id}" in scope "${key.scope}"`;
  switch (error.code) {
    case 'KV_UNAVAILABLE':
    case 'KV_ABORTED':
      if (step === 'change') {
        return credentialError(
          'CREDENTIAL_OUTCOME_UNKNOWN',
          `the key-value store failed in the middle of a change${whose}: it may or may not have been made. Look before you repeat it`,
          { cause: error, details },
        );
      }
      return error.code === 'KV_ABORTED'
        ? credentialError('CREDENTIAL_ABORTED', `the caller gave up${whose}`, { cause: error, details })
        : unavailable(`the key-value store cannot be reached${whose}; nothing was changed`, error, details);
    case 'KV_FULL':
      return unavailable(`the key-value store has no room${whose}; nothing was changed`, error, details);
    case 'KV_VALUE_INVALID':
      return credentialError('CREDENTIAL_TOO_LARGE', `the record is larger than the key-value store takes${whose}`, {
        cause: error,
        details,
      });
    case 'KV_CLOSED':
      return credentialError('CREDENTIALS_CLOSED', 'the key-value store beneath the credentials has been closed', {
        cause: error,
      });
    default:
      return error;
  }
}

function unavailable(
  message: string,
  cause: Error & { readonly retryAfterMs: number | undefined },
  details: Readonly<Record<string, string>>,
): Error {
  const { retryAfterMs } = cause;
  return credentialError('CREDENTIAL_STORAGE_UNAVAILABLE', message, {
    cause,
    retryable: true,
    details,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
