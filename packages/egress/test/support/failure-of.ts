import { isCodedError } from '@tenon/core';
import type { EgressError } from '@tenon/egress';

/** The coded error with which work ends. Any other error passes through, and success is one. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<EgressError> {
  let value: unknown;
  try {
    value = await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (isCodedError(error)) return error as EgressError;
    throw error;
  }
  throw new Error(`it did not fail: ${JSON.stringify(value)}`);
}

/** The code with which work ends, or `none`. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'none';
  } catch (error) {
    if (isCodedError(error)) return error.code;
    throw error;
  }
}
