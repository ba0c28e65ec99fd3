/** One thing that is wrong with an input. A validator reports all of them at once. */
export interface InputProblem {
  /** Where, as a JSON pointer (RFC 6901) into the input: `/lines/0/quantity`, or `` for the input as a whole. */
  readonly path: string;
  /** What kind of problem, stable for programs: `required`, `too_long`, `unknown_field`, ... */
  readonly code: string;
  /** What is wrong and what would be right, for people. Never repeats the value. */
  readonly message: string;
}
