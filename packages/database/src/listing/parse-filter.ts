import { err, ok, type InputProblem, type Result } from '@tenon/core';
import type { FilterOperator, ListFilter, ListingField } from './listing.ts';

const MAX_TEXT = 256;
const MAX_IN_VALUES = 50;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Checks one filter parameter, for example `price[gte]` with `100`. */
export function parseFilter(
  parameter: string,
  text: string,
  fields: Readonly<Record<string, ListingField>>,
): Result<ListFilter, InputProblem> {
  const match = /^([A-Za-z][A-Za-z0-9]*)(?:\[([a-z]+)\])?$/.exec(parameter);
  const name = match?.[1] ?? '';
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const refuse = (code: string, message: string) => err({ path: `/${parameter}`, code, message });
  if (field?.operators === undefined) return refuse('unknown_parameter', unknownParameter(fields));
  const operator = (match?.[2] ?? 'eq') as FilterOperator;
  if (!field.operators.includes(operator)) {
    return refuse('unknown_operator', `"${name}" can be filtered with: ${field.operators.join(', ')}`);
  }
  const parts = operator === 'in' ? text.split(',') : [text];
  if (parts.length > MAX_IN_VALUES) return refuse('too_many', `at most ${MAX_IN_VALUES} values can be given`);
  const values: (string | number)[] = [];
  for (const part of parts) {
    const value = parseValue(field, part);
    if (!value.ok) return refuse(value.error.code, value.error.message);
    values.push(value.value);
  }
  return ok({ field: name, operator, value: operator === 'in' ? (values as string[]) : (values[0] as string) });
}

function unknownParameter(fields: Readonly<Record<string, ListingField>>): string {
  const known = Object.keys(fields).filter((name) => fields[name]?.operators !== undefined);
  return `this parameter is not known. Lists take limit, cursor, page, sort, total, and filters by: ${known.join(', ')}`;
}

function parseValue(field: ListingField, text: string): Result<string | number, { code: string; message: string }> {
  switch (field.type) {
    case 'integer': {
      const value = Number(text);
      return /^-?\d{1,16}$/.test(text) && Number.isSafeInteger(value)
        ? ok(value)
        : err({ code: 'not_an_integer', message: 'must be a whole number' });
    }
    case 'timestamp':
      return TIMESTAMP.test(text) && isRealDate(text)
        ? ok(new Date(text).toISOString())
        : err({
            code: 'not_a_timestamp',
            message: 'must be a date or time of ISO 8601, for example 2026-01-31 or 2026-01-31T12:00:00Z',
          });
    case 'text':
      return parseText(field, text);
    default:
      return field.type satisfies never;
  }
}

// Date.parse takes 30 February for 2 March.
function isRealDate(text: string): boolean {
  const day = text.slice(0, 10);
  return !Number.isNaN(Date.parse(text)) && new Date(day).toISOString().startsWith(day);
}

function parseText(field: ListingField, text: string): Result<string, { code: string; message: string }> {
  if (text.length > MAX_TEXT)
    return err({ code: 'too_long', message: `must not be longer than ${MAX_TEXT} characters` });
  if (text.includes('\0') || !text.isWellFormed()) {
    return err({ code: 'not_text', message: 'must be well-formed text without NUL' });
  }
  const value = (field.normalize ?? ((same: string) => same.normalize('NFC')))(text);
  if (field.values !== undefined && !field.values.includes(value)) {
    return err({ code: 'unknown_value', message: `must be one of: ${field.values.join(', ')}` });
  }
  return ok(value);
}
