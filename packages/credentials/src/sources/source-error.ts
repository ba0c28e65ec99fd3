import { CodedError, isCodedError, type CodedErrorOptions } from '@tenon/core';
import { credentialError, type CredentialError, type CredentialErrorCode } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';

/**
 * Makes the failure of a source.
 *
 * @param what - what happened and what to do, to be read after `the source "name" `; never a secret or what a server said
 */
export function sourceError(
  code: CredentialErrorCode,
  source: string,
  what: string,
  options: CodedErrorOptions = {},
): CredentialError {
  return credentialError(code, `the source "${source}" ${what}`, {
    ...options,
    details: { ...options.details, source },
  });
}

/** The failure of a source that did not answer, or cannot now. The same read may succeed later. */
export function sourceUnavailable(
  source: string,
  what: string,
  {
    retryAfterMs,
    ...options
  }: Omit<CodedErrorOptions, 'retryable' | 'retryAfterMs'> & {
    readonly retryAfterMs?: number | undefined;
  } = {},
): CredentialError {
  return sourceError('CREDENTIAL_STORAGE_UNAVAILABLE', source, what, {
    ...options,
    retryable: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The failure of what was given to a driver. */
export function optionInvalid(option: string, why: string): CredentialError {
  return credentialError('CREDENTIALS_OPTIONS_INVALID', `${option} ${why}`, { details: { option } });
}

/**
 * The same failure, naming also the source and the credential that it is about. Code, advice and cause stay; what is no failure of this package is
 * given back as it is.
 */
export function aboutSourced(thrown: unknown, source: string, key: CredentialKey): unknown {
  if (!isCodedError(thrown) || !thrown.code.startsWith('CREDENTIAL')) return thrown;
  const { code, message, cause, retryable, retryAfterMs, details } = thrown;
  const { id, scope } = key;
  return new CodedError(code, `${message} (source "${source}", credential "${id}" in scope "${scope}")`, {
    cause,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { ...details, source, id, scope },
  });
}
