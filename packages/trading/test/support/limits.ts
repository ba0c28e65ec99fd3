import { expect, test } from 'vitest';

/** A field, a value for it, and the code of the problem that it is; none when it is accepted. */
export type Limit = readonly [field: string, value: unknown, problem?: string];

/**
 * Declares one test for each limit.
 *
 * @param problemsWith - what a parser says when the field has the value
 * @param path - where the fields are, as a JSON pointer
 */
export function testLimits(
  limits: readonly Limit[],
  problemsWith: (field: string, value: unknown) => readonly string[],
  path = '',
): void {
  for (const [field, value, problem] of limits) {
    test(`${field} may ${problem === undefined ? '' : 'not '}be ${shown(value)}`, () => {
      expect(problemsWith(field, value)).toEqual(problem === undefined ? [] : [`${path}/${field} ${problem}`]);
    });
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string' && value.length > 40) return `${value.length} characters`;
  return typeof value === 'string' ? `"${value}"` : String(value);
}
