import { isCodedError, toError } from '@tenon/core';
import { credentialError } from '../../errors.ts';

const DENIED = new Set(['EACCES', 'EPERM', 'EROFS']);
// No room, too much open, a disk or a network file system that may do better later.
const UNAVAILABLE = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EBUSY',
  'EIO',
  'ENXIO',
  'ENODEV',
  'ESTALE',
  'ETIMEDOUT',
  'ENOENT',
  'ENOTDIR',
]);

/** The code that Node gave to a failure of the file system. */
export function systemCode(error: unknown): string | undefined {
  const { code } = toError(error) as Error & { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** A failure of the file system as one of the storage, for one that changed nothing. A coded one is given back as it is. */
export function fileFailure(error: unknown, doing: string): Error {
  if (isCodedError(error)) return error;
  const code = systemCode(error) ?? 'unknown';
  if (DENIED.has(code)) {
    return credentialError(
      'CREDENTIAL_STORAGE_DENIED',
      `${doing}: the system refused it (${code}). Give this user the right to read and write there`,
      { cause: error },
    );
  }
  if (UNAVAILABLE.has(code)) {
    return credentialError('CREDENTIAL_STORAGE_UNAVAILABLE', `${doing} at present (${code}); nothing was changed`, {
      cause: error,
      retryable: true,
    });
  }
  return credentialError('CREDENTIAL_STORAGE_FAILED', `${doing} (${code})`, { cause: error });
}
