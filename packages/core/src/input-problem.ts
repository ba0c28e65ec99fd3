import type { CodedError } from './coded-error.ts';

/**
 * One thing that is wrong with an input. A validator reports all of them at once. An alias, because only of an alias does TypeScript
 * know that it is JSON, as the details of an error must be.
 */
// oxlint-disable-next-line typescript/consistent-type-definitions
export type InputProblem = {
  /** Where, as a JSON pointer (RFC 6901) into the input: `/lines/0/quantity`, or `` for the input as a whole. */
  readonly path: string;
  /** What kind of problem, stable for programs: `required`, `too_long`, `unknown_field`, ... */
  readonly code: string;
  /** What is wrong and what would be right, for people. Never repeats the value. */
  readonly message: string;
};

/**
 * The problems that an error carries as `details.problems`, which is where every validator puts them.
 *
 * @returns nothing for an error that carries none
 */
export function problemsOf(error: CodedError): readonly InputProblem[] {
  const { problems } = error.details;
  return Array.isArray(problems) ? problems.filter(isInputProblem) : [];
}

function isInputProblem(value: unknown): value is InputProblem {
  if (typeof value !== 'object' || value === null) return false;
  return ['path', 'code', 'message'].every((name) => typeof (value as Record<string, unknown>)[name] === 'string');
}
