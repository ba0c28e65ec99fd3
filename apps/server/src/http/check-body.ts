import type { InputProblem } from '@tenon/core';
import { Compile } from 'typebox/compile';
import type { Static, TSchema } from 'typebox';
import { inputInvalid } from './problem.ts';

interface ValidationIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** TypeBox's issues in the one shape for input problems. A field that is unknown or missing is named in the path. */
export function problemsOfErrors(issues: Iterable<ValidationIssue>): readonly InputProblem[] {
  return [...issues].flatMap((issue): InputProblem[] => {
    const { additionalProperties, requiredProperties } = issue.params as Record<string, readonly string[] | undefined>;
    const named =
      issue.keyword === 'additionalProperties'
        ? additionalProperties
        : issue.keyword === 'required'
          ? requiredProperties
          : undefined;
    if (named === undefined) return [{ path: issue.instancePath, code: toCode(issue.keyword), message: issue.message }];
    return named.map((name) => ({
      path: `${issue.instancePath}/${name}`,
      code: toCode(issue.keyword),
      message: issue.keyword === 'required' ? 'is required' : 'is not known here',
    }));
  });
}

function toCode(keyword: string): string {
  if (keyword === 'additionalProperties') return 'unknown_field';
  return keyword.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Makes the check of one route's body. It never changes what came in: no coercion, no defaults, nothing dropped.
 *
 * @throws (the check) `INPUT_INVALID` with every problem
 */
export function bodyCheck<Schema extends TSchema>(schema: Schema): (body: unknown) => Static<Schema> {
  const compiled = Compile(schema);
  return (body) => {
    if (compiled.Check(body)) return body;
    throw inputInvalid(problemsOfErrors(compiled.Errors(body)));
  };
}
