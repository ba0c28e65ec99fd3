import { resourceError } from '../../errors.ts';

/** A whole number as a `number`. @throws `RESOURCE_VALUE_INVALID` when that would not be exact */
export function exactNumber(resource: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw resourceError(
    'RESOURCE_VALUE_INVALID',
    `a whole number in database "${resource}" is beyond what a JavaScript number holds exactly: set "bigints" to "string" or "bigint"`,
    { details: { resource } },
  );
}
