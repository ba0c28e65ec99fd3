import { CodedError, isCodedError } from '@tenon/core';

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** The code of the error that a promise rejects with, or the text of one that has none. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await failureOf(promise);
  return isCodedError(error) ? error.code : String(error);
}

/** An error that says that trying again may help. */
export const passing = (options: { readonly retryAfterMs?: number } = {}): CodedError =>
  new CodedError('DEPENDENCY_BUSY', 'busy', { retryable: true, ...options });
