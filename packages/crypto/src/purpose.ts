import { cryptoError } from './errors.ts';

const PURPOSE = /^[!-~]{1,128}$/;

/** @throws `PURPOSE_INVALID` unless the purpose is 1 to 128 printable ASCII characters without space */
export function assertPurpose(purpose: string): void {
  if (!PURPOSE.test(purpose)) {
    throw cryptoError('PURPOSE_INVALID', 'the purpose of a key is 1 to 128 printable ASCII characters without space');
  }
}
