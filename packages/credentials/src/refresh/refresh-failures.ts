import { credentialError, type CredentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { StoredRefresh } from '../storage/stored-credential.ts';

const place = ({ id, scope }: CredentialKey) => ({ id, scope });
const named = ({ id, scope }: CredentialKey): string => `credential "${id}" in scope "${scope}"`;

const WHY: Readonly<Record<NonNullable<StoredRefresh['reauthorize']>, string>> = {
  rejected: 'whoever issued it does not take it any more',
  'outcome-unknown': 'nobody knows whether the last refresh was done, and asking again could end it for good',
  'nothing-to-refresh-with': 'it holds nothing to refresh it with',
};

/** The failure of refreshing what only a person can renew. */
export function reauthorizationRequired(
  key: CredentialKey,
  why: NonNullable<StoredRefresh['reauthorize']>,
): CredentialError {
  return credentialError(
    'CREDENTIAL_REAUTHORIZATION_REQUIRED',
    `${named(key)} cannot be refreshed: ${WHY[why]}. Let somebody sign in again, and store what comes of it`,
    { details: { ...place(key), why } },
  );
}

/** The failure of a refresh that another process is at. */
export function refreshBusy(key: CredentialKey, retryAfterMs: number): CredentialError {
  return credentialError('CREDENTIAL_REFRESH_BUSY', `${named(key)} is being refreshed elsewhere; try again`, {
    retryable: true,
    retryAfterMs,
    details: place(key),
  });
}

/** The failure of a refresh that changed nothing. */
export function refreshFailed(key: CredentialKey, retryAfterMs: number, cause?: unknown): CredentialError {
  return credentialError(
    'CREDENTIAL_REFRESH_FAILED',
    `${named(key)} could not be refreshed: whoever issued it could not be asked; what is stored stays as it is`,
    { cause, retryable: true, retryAfterMs, details: place(key) },
  );
}

/** The failure of a refresh of which nobody knows the end yet. */
export function refreshUnknown(key: CredentialKey, cause?: unknown): CredentialError {
  return credentialError(
    'CREDENTIAL_OUTCOME_UNKNOWN',
    `the refresh of ${named(key)} was not answered in time, and may or may not have been done; it is not repeated`,
    { cause, details: place(key) },
  );
}

/** The failure to refresh what no refresher is there for. */
export function refreshImpossible(key: CredentialKey, kind: string): CredentialError {
  return credentialError(
    'CREDENTIAL_REFRESH_IMPOSSIBLE',
    `${named(key)} is of the kind "${kind}", and the vault has no refresher for it: give the builder one with refresher()`,
    { details: { ...place(key), kind } },
  );
}
