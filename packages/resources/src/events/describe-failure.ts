import { isCodedError, toError } from '@tenon/core';

/** A failure for people who are not to see what messages of others may hold: the message of a coded error, else its name and code. */
export function describeFailure(thrown: unknown): string {
  const error = toError(thrown);
  if (isCodedError(error)) return error.message;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? `${error.name} (${code})` : error.name;
}
