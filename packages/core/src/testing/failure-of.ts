import { isCodedError, type CodedError } from '../coded-error.ts';

/**
 * The coded error with which work ends. Any other error passes through.
 *
 * @example
 * ```ts
 * const failure = await failureOf(pool.acquire());
 * expect(failure.code).toBe('RESOURCE_TIMEOUT');
 * ```
 * @throws what is no coded error; an Error with the result when the work does not fail
 */
export async function failureOf<Code extends string = string>(
  work: Promise<unknown> | (() => unknown),
): Promise<CodedError<Code>> {
  let value: unknown;
  try {
    value = await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (isCodedError<Code>(error)) return error;
    throw error;
  }
  throw new Error(`it did not fail: ${JSON.stringify(value)}`);
}

/** The code with which work ends, or `none`. @throws what is no coded error */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'none';
  } catch (error) {
    if (isCodedError(error)) return error.code;
    throw error;
  }
}
