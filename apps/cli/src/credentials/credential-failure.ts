import { CodedError } from '@tenon/core';
import type { CredentialErrorCode } from '@tenon/credentials';

/** A failure that a command finds about credentials, under the code that the vault has for it. */
export function credentialFailure(code: CredentialErrorCode, message: string, details: CodedErrorDetails = {}): Error {
  return new CodedError(code, message, { details });
}

type CodedErrorDetails = NonNullable<NonNullable<ConstructorParameters<typeof CodedError>[2]>['details']>;

/** The failure to find a credential. */
export function credentialMissing(id: string, scope: string): Error {
  return credentialFailure('CREDENTIAL_NOT_FOUND', `there is no credential "${id}" in scope "${scope}"`, { id, scope });
}
