import { toError } from '@tenon/core';

/** What a function throws. @throws when it throws nothing */
export function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return toError(error);
  }
  throw new Error('nothing was thrown');
}
