import { err, ok, type InputProblem, type Result } from '@tenon/core';
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { cleanInput } from './clean-input.ts';
import { toProblems } from './to-problems.ts';

/** Rules that a schema cannot say. */
export interface ModelRules<Value> {
  /** Looks at cleaned input of any shape, so that its findings stand beside those about the shape. */
  readonly anyShape?: (input: unknown) => readonly InputProblem[];
  /** Looks at input that has the right shape. */
  readonly rightShape?: (value: Value) => readonly InputProblem[];
}

/** What can be done with values of one schema. */
export interface Model<Value> {
  /** Checks and normalises a value: every problem at once, or the value that is stored. Parsing it again changes nothing. */
  parse(input: unknown): Result<Value, readonly InputProblem[]>;
  /** The value as JSON text: the fields of the schema in its order, and nothing else. */
  encode(value: Value): string;
  /** Reads JSON text: the inverse of `encode`. */
  decode(text: string): Result<Value, readonly InputProblem[]>;
}

const MAX_PROBLEMS = 100;

/** Gives a schema its parser and its JSON form. */
export function defineModel<Schema extends TSchema>(
  schema: Schema,
  rules: ModelRules<Static<Schema>> = {},
): Model<Static<Schema>> {
  type Value = Static<Schema>;
  // Compiled at first use: importing a module must cost nothing.
  let validator: Validator | undefined;
  let fields: string[] | undefined;

  const parse = (input: unknown): Result<Value, readonly InputProblem[]> => {
    validator ??= Compile(schema as TSchema) as Validator;
    const problems: InputProblem[] = [];
    const value = cleanInput(input, problems);
    problems.push(...(rules.anyShape?.(value) ?? []));
    if (!validator.Check(value)) {
      return err([...problems, ...shapeProblems(validator, value, problems)].slice(0, MAX_PROBLEMS));
    }
    if (problems.length === 0) problems.push(...(rules.rightShape?.(value as Value) ?? []));
    return problems.length === 0 ? ok(value as Value) : err(problems.slice(0, MAX_PROBLEMS));
  };

  return {
    parse,
    encode: (value) => JSON.stringify(value, (fields ??= [...fieldsOf(schema)])),
    decode(text) {
      let input: unknown;
      try {
        input = JSON.parse(text);
      } catch {
        return err([{ path: '', code: 'not_json', message: 'must be JSON text' }]);
      }
      return parse(input);
    },
  };
}

// The library's limit is a setting of the whole process. It is put back at once, and nothing else runs in between.
function shapeProblems(validator: Validator, value: unknown, known: readonly InputProblem[]): readonly InputProblem[] {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_PROBLEMS });
  try {
    return toProblems(validator.Errors(value), known);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function* fieldsOf(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return;
  if ('properties' in schema) {
    for (const [name, member] of Object.entries(schema.properties as object)) {
      yield name;
      yield* fieldsOf(member);
    }
  }
  if ('items' in schema) yield* fieldsOf(schema.items);
}
