import { Type, type TUnsafe } from 'typebox';
import { isCurrency } from './currency.ts';

/** Most lines of one order. */
export const MAX_ORDER_LINES = 200;
/** Highest price of one piece, in minor units. */
export const MAX_PRICE_MINOR = 999_999_999_999;
/** Most pieces of a product in stock that an input may state. */
export const MAX_STOCK = 1_000_000_000;
/** Most pieces of a product in one order. */
export const MAX_QUANTITY = 1_000_000;

// No C0 control characters: a name is one line. C1 ones are let through, because names that were once decoded wrongly
// consist of them, and nothing may be changed behind their owner's back. Every pattern here must work without flags as
// well as with `u`, since readers of the schema use either.
const ONE_LINE = '^[^\\u0000-\\u001f\\u007f]*$';
const UUID = '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';
const CURRENCY = '^[A-Z]{3}$';
const ISO_DATE_OR_TIME = '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2}))?$';
const NOT_A_TIME = 'not_a_time: must be a day or a moment that exists, in the years 0001 to 9999';
const ISO_TIME = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$';

/** What a pattern asks for, in words. */
export const patternMessages: ReadonlyMap<string, string> = new Map([
  [ONE_LINE, 'must be one line, without control characters'],
  [UUID, 'must be a UUID in lower case'],
  [ISO_TIME, 'must be a moment in UTC with milliseconds, as 2026-01-31T12:00:00.000Z'],
  [ISO_DATE_OR_TIME, 'must be a date or a moment of ISO 8601, as 2026-01-31 or 2026-01-31T12:00:00Z'],
  [CURRENCY, 'must be the ISO 4217 code of a currency, as EUR'],
]);

/** A text of one line with a length in code points. */
export function oneLine(description: string, minLength: number, maxLength: number) {
  return Type.String({ description, minLength, maxLength, pattern: ONE_LINE });
}

/** The same, or null. A type list and not a union: serialisers write it without trying alternatives. */
export function oneLineOrNull(description: string, maxLength: number): TUnsafe<string | null> {
  return Type.Unsafe<string | null>({
    description,
    type: ['string', 'null'],
    minLength: 1,
    maxLength,
    pattern: ONE_LINE,
  });
}

/** A whole number in a range. */
export function whole(description: string, minimum: number, maximum: number) {
  return Type.Integer({ description, minimum, maximum });
}

// The calendar has no year 0, and February has no 30th, which Date.parse would turn into March.
function isRealDay(text: string): boolean {
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00.000Z`);
  return !Number.isNaN(day) && new Date(day).toISOString().startsWith(text.slice(0, 10)) && !text.startsWith('0000');
}

function isRealTime(text: string): boolean {
  return isRealDay(text) && !Number.isNaN(Date.parse(text));
}

/** A moment in UTC with milliseconds, for example `2026-01-31T12:00:00.000Z`. */
export function moment(description: string) {
  return Type.Refine(
    Type.String({ description, pattern: ISO_TIME, examples: ['2026-01-31T12:00:00.000Z'] }),
    isRealTime,
    () => NOT_A_TIME,
  );
}

/** The same, or null. */
export function momentOrNull(description: string) {
  return Type.Refine(
    Type.Unsafe<string | null>({ description, type: ['string', 'null'], pattern: ISO_TIME }),
    (text) => text === null || isRealTime(text),
    () => NOT_A_TIME,
  );
}

/** A date or a moment as other systems write it; {@link toMoment} gives it the one form in which moments are stored. */
export function dateOrMoment(description: string) {
  return Type.Refine(
    Type.String({ description, pattern: ISO_DATE_OR_TIME, examples: ['2026-01-31'] }),
    isRealTime,
    () => NOT_A_TIME,
  );
}

/** The same, or null. */
export function dateOrMomentOrNull(description: string) {
  return Type.Refine(
    Type.Unsafe<string | null>({ description, type: ['string', 'null'], pattern: ISO_DATE_OR_TIME }),
    (text) => text === null || isRealTime(text),
    () => NOT_A_TIME,
  );
}

/** A checked date or moment in UTC with milliseconds; a date is its first moment. */
export function toMoment(text: string): string {
  return new Date(text).toISOString();
}

/** A UUID in lower case. */
export function uuid(description: string) {
  return Type.String({ description, pattern: UUID });
}

/** The code of a currency in use. */
export function currency(description: string) {
  return Type.Refine(
    Type.String({ description, pattern: CURRENCY, examples: ['EUR'] }),
    isCurrency,
    () => 'unknown_currency: must be the ISO 4217 code of a currency in use, for example EUR',
  );
}

/** How often a row was changed, from 1. */
export const Version = whole('raised by each change; send it back to change only what you have seen', 1, 2_147_483_647);
