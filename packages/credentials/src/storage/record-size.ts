import { credentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';

const LEAST = 1_024;
const MOST = 67_108_864;
const DEFAULT_MAX_RECORD_BYTES = 1_048_576;

/**
 * The option `maxRecordBytes` of a driver: 1,024 to 67,108,864, by default 1,048,576.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` when it is something else
 */
export function maxRecordBytesOf(storage: string, given: number = DEFAULT_MAX_RECORD_BYTES): number {
  if (Number.isInteger(given) && given >= LEAST && given <= MOST) return given;
  throw credentialError(
    'CREDENTIALS_OPTIONS_INVALID',
    `${storage} storage: maxRecordBytes must be a whole number from ${LEAST} to ${MOST}`,
    { details: { option: 'maxRecordBytes' } },
  );
}

/** @throws `CREDENTIAL_TOO_LARGE` */
export function assertRecordSize({ id, scope }: CredentialKey, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw credentialError(
    'CREDENTIAL_TOO_LARGE',
    `credential "${id}" in scope "${scope}" takes ${bytes} bytes with its earlier versions, and ${maxBytes} is the most here`,
    { details: { id, scope, bytes, maxBytes } },
  );
}
