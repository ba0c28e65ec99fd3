import type { InputProblem, Result } from '@tenon/core';

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
