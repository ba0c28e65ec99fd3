import { isCodedError, type InputProblem, type Result } from '@tenon/core';

/** What a parser refuses, as `/path code`; `[]` when it accepts. */
export function problemsOf(result: Result<unknown, readonly InputProblem[]>): readonly string[] {
  return result.ok ? [] : result.error.map(({ path, code }) => `${path} ${code}`);
}

/** The error that a promise rejects with, as far as a caller may see it. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    (value) => ({ succeeded: value }),
    (error: { code?: string; details?: unknown }) => ({ code: error.code, details: error.details }),
  );
}

/** The code that a promise, or work, rejects with, or `none`. */
export async function codeOf(work: Promise<unknown> | (() => Promise<unknown>)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'none';
  } catch (error) {
    if (isCodedError(error)) return error.code;
    throw error;
  }
}
