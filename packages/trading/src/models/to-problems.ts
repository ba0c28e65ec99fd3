import type { InputProblem } from '@tenon/core';
import type { TLocalizedValidationError } from 'typebox/error';
import { cutPointer, pointer } from './clean-input.ts';
import { patternMessages } from './field-schemas.ts';

type Keyword = TLocalizedValidationError['keyword'];
type ErrorOf<One extends Keyword> = Extract<TLocalizedValidationError, { readonly keyword: One }>;
type Describe<One extends Keyword> = (error: ErrorOf<One>) => readonly InputProblem[];

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  integer: 'a whole number',
  null: 'null',
  object: 'an object',
  string: 'text',
};

const descriptions: { readonly [One in Keyword]?: Describe<One> } = {
  required: (error) =>
    error.params.requiredProperties.map((name) => at(pointer(error.instancePath, name), 'required', 'is required')),
  // Of a field that is not in the schema: each one is told by itself, and then all of them again.
  boolean: (error) => [at(cutPointer(error.instancePath), 'unknown_field', 'is not a field')],
  additionalProperties: () => [],
  type: (error) => {
    const types = [error.params.type].flat().map((type) => TYPE_NAMES[type] ?? type);
    return one(error, 'wrong_type', `must be ${types.join(' or ')}`);
  },
  minLength: (error) => one(error, 'too_short', emptyOr(error.params.limit, 'characters')),
  maxLength: (error) => one(error, 'too_long', `must have at most ${error.params.limit} characters`),
  minimum: (error) => one(error, 'out_of_range', `must be at least ${error.params.limit}`),
  maximum: (error) => one(error, 'out_of_range', `must be at most ${error.params.limit}`),
  minItems: (error) => one(error, 'too_few', emptyOr(error.params.limit, 'items')),
  maxItems: (error) => one(error, 'too_many', `must have at most ${error.params.limit} items`),
  minProperties: (error) => one(error, 'empty', 'must name at least one field'),
  enum: (error) => one(error, 'unknown_value', `must be one of: ${error.params.allowedValues.join(', ')}`),
  pattern: (error) =>
    one(error, 'malformed', patternMessages.get(String(error.params.pattern)) ?? 'must have the form described'),
  '~refine': (error) => {
    const [code = '', message = ''] = error.params.message.split(': ', 2);
    return one(error, code, message);
  },
};

/**
 * Says in our words what the schema library found.
 *
 * @param known - problems found before; places that have one already are not reported again
 */
export function toProblems(
  errors: readonly TLocalizedValidationError[],
  known: readonly InputProblem[] = [],
): readonly InputProblem[] {
  const seen = new Set(known.map(({ path }) => path));
  return errors.flatMap(describe).filter(({ path }) => !seen.has(path));
}

function describe(error: TLocalizedValidationError): readonly InputProblem[] {
  const known = descriptions[error.keyword] as Describe<Keyword> | undefined;
  return known === undefined ? one(error, 'malformed', error.message) : known(error);
}

function at(path: string, code: string, message: string): InputProblem {
  return { path, code, message };
}

function one(error: TLocalizedValidationError, code: string, message: string): readonly InputProblem[] {
  return [at(error.instancePath, code, message)];
}

function emptyOr(limit: number | bigint, noun: string): string {
  return Number(limit) === 1 ? 'must not be empty' : `must have at least ${limit} ${noun}`;
}
