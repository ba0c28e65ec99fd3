import { isCodedError, toError } from '@tenon/core';

/** A failure in a word, for events and figures: its code, else its name. Messages of others may hold addresses and passwords. */
export function codeOfFailure(thrown: unknown): string {
  return isCodedError(thrown) ? thrown.code : toError(thrown).name;
}

/** A failure for people who are not to see what messages of others may hold: the message of a coded error, else its name and code. */
export function describeFailure(thrown: unknown): string {
  const error = toError(thrown);
  if (isCodedError(error)) return error.message;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? `${error.name} (${code})` : error.name;
}
