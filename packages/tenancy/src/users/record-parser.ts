import { err, ok, type InputProblem, type Result } from '@tenon/core';
import { Compile, type Validator } from 'typebox/compile';
import type { TObject, TSchema } from 'typebox';

/**
 * Makes the parser of a flat record from its schema. It adds to the schema what a schema cannot say: text is trimmed and
 * brought into NFC before it is measured, and must be well-formed Unicode. Every field gets at most one problem.
 */
export function createRecordParser<T>(schema: TObject): (input: unknown) => Result<T, readonly InputProblem[]> {
  const required = new Set<string>(schema.required as readonly string[] | undefined);
  const checks = new Map<string, Validator>();
  // Compiled at first use: nothing happens at import.
  const checkOf = (field: string): Validator | undefined => {
    const known = checks.get(field);
    if (known !== undefined || !Object.hasOwn(schema.properties, field)) return known;
    const check: Validator = Compile(schema.properties[field] as TSchema);
    checks.set(field, check);
    return check;
  };

  return (input) => {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      return err([{ path: '', code: 'wrong_type', message: 'must be an object' }]);
    }
    const problems: InputProblem[] = [];
    const record: Record<string, unknown> = {};
    for (const [field, given] of Object.entries(input)) {
      if (given === undefined) continue;
      const check = checkOf(field);
      if (check === undefined) {
        problems.push({ path: pointer(field), code: 'unknown_field', message: 'this field is not known here' });
        continue;
      }
      const value: unknown = typeof given === 'string' ? given.trim().normalize('NFC') : given;
      const problem = problemOf(field, value, check);
      if (problem === undefined) record[field] = value;
      else problems.push(problem);
    }
    for (const field of required) {
      if (!Object.hasOwn(input, field) || (input as Record<string, unknown>)[field] === undefined) {
        problems.push({ path: pointer(field), code: 'required', message: 'must be given' });
      }
    }
    return problems.length === 0 ? ok(record as T) : err(problems);
  };
}

function problemOf(field: string, value: unknown, check: Validator): InputProblem | undefined {
  const path = pointer(field);
  if (typeof value === 'string' && !value.isWellFormed()) {
    return { path, code: 'not_text', message: 'must be well-formed text' };
  }
  if (check.Check(value)) return undefined;
  const errors = check.Errors(value);
  // Of a union, the alternative that came closest says most: one that failed by more than its type.
  const error = errors.find(({ keyword }) => keyword !== 'type' && keyword !== 'anyOf') ?? errors[0];
  const params = (error?.params ?? {}) as Params;
  const orNull = errors.some(({ keyword }) => keyword === 'anyOf') ? ' or null' : '';
  return { path, ...describe(field, error?.keyword ?? '', params, orNull) };
}

interface Params {
  readonly limit?: number;
  readonly allowedValues?: readonly unknown[];
  readonly type?: unknown;
}

function describe(field: string, keyword: string, params: Params, orNull: string): Omit<InputProblem, 'path'> {
  switch (keyword) {
    case 'minLength':
      return { code: 'too_short', message: `must have at least ${params.limit} characters` };
    case 'maxLength':
      return { code: 'too_long', message: `must have at most ${params.limit} characters` };
    case 'pattern':
      return field === 'email'
        ? { code: 'not_an_email', message: 'must be an email address like name@example.com' }
        : { code: 'not_text', message: 'must be in its form, without control characters or line breaks' };
    case 'enum':
      return { code: 'unknown_value', message: `must be one of: ${params.allowedValues?.join(', ')}` };
    case 'minimum':
      return { code: 'out_of_range', message: `must be at least ${params.limit}` };
    default: {
      const type = typeof params.type === 'string' ? `a value of type ${params.type}` : 'of another type';
      return { code: 'wrong_type', message: `must be ${type}${orNull}` };
    }
  }
}

/** RFC 6901. Cut, because an unknown field's name is the caller's own text. */
function pointer(field: string): string {
  return `/${field.slice(0, 64).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
