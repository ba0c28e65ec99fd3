import type { InputProblem } from '@tenon/core';
import type { TLocalizedValidationError } from 'typebox/error';
import { pointer } from './clean-input.ts';
import { patternMessages } from './field-schemas.ts';

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  integer: 'a whole number',
  null: 'null',
  object: 'an object',
  string: 'text',
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
  const path = error.instancePath;
  const problem = (code: string, message: string): readonly InputProblem[] => [{ path, code, message }];
  switch (error.keyword) {
    case 'boolean':
      return []; // told by additionalProperties as well
    case 'required':
      return error.params.requiredProperties.map((name) => ({
        path: pointer(path, name),
        code: 'required',
        message: 'is required',
      }));
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => ({
        path: pointer(path, name),
        code: 'unknown_field',
        message: 'is not a field',
      }));
    case 'type':
      return problem(
        'wrong_type',
        `must be ${[error.params.type]
          .flat()
          .map((type) => TYPE_NAMES[type] ?? type)
          .join(' or ')}`,
      );
    case 'minLength':
      return problem(
        'too_short',
        error.params.limit === 1 ? 'must not be empty' : `must have at least ${error.params.limit} characters`,
      );
    case 'maxLength':
      return problem('too_long', `must have at most ${error.params.limit} characters`);
    case 'minimum':
      return problem('out_of_range', `must be at least ${error.params.limit}`);
    case 'maximum':
      return problem('out_of_range', `must be at most ${error.params.limit}`);
    case 'minItems':
      return problem('too_few', 'must not be empty');
    case 'maxItems':
      return problem('too_many', `must have at most ${error.params.limit}`);
    case 'minProperties':
      return problem('empty', 'must name at least one field');
    case 'enum':
      return problem('unknown_value', `must be one of: ${error.params.allowedValues.join(', ')}`);
    case 'pattern':
      return problem('malformed', patternMessages.get(String(error.params.pattern)) ?? error.message);
    case '~refine': {
      const [code = '', message = ''] = error.message.split(': ', 2);
      return problem(code, message);
    }
    default:
      return problem('malformed', error.message);
  }
}
