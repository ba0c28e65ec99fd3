import { createHash } from 'node:crypto';
import { err, ok, type InputProblem, type JsonValue, type Result } from '@tenon/core';
import type {
  CursorCodec,
  ListFilter,
  ListingDefinition,
  ListingParameters,
  ListRequest,
  ListSort,
} from './listing.ts';
import { parseFilter } from './parse-filter.ts';

/** What every list takes; no field can have one of these names. */
export const LIST_PARAMETERS: ReadonlySet<string> = new Set(['limit', 'page', 'sort', 'total', 'cursor']);
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_SORTS = 3;
/** Numbered pages read and throw away what comes before them; deeper than this, a cursor must be used. */
const MAX_OFFSET_ROWS = 10_000;

/** Checks the query parameters of a list. */
export function parseListRequest(
  definition: ListingDefinition,
  parameters: ListingParameters,
  cursors: CursorCodec,
): Result<ListRequest, readonly InputProblem[]> {
  const problems: InputProblem[] = [];
  const given = singleValues(parameters, problems);
  const limit = wholeNumber(given, 'limit', DEFAULT_LIMIT, MAX_LIMIT, problems);
  const page = wholeNumber(given, 'page', 1, MAX_OFFSET_ROWS, problems);
  const sorts = parseSorts(definition, given.get('sort') ?? definition.defaultSort, problems);
  const withTotal = parseTotal(given.get('total'), problems);
  const filters: ListFilter[] = [];
  for (const [parameter, text] of given) {
    if (LIST_PARAMETERS.has(parameter)) continue;
    const filter = parseFilter(parameter, text, definition.fields);
    if (filter.ok) filters.push(filter.value);
    else problems.push(filter.error);
  }
  if (given.has('cursor') && given.has('page')) {
    problems.push({ path: '/page', code: 'conflict', message: 'give "cursor" or "page", not both' });
  }
  if (page * limit > MAX_OFFSET_ROWS) {
    problems.push({
      path: '/page',
      code: 'too_deep',
      message: `page times limit must not pass ${MAX_OFFSET_ROWS}: use "cursor"`,
    });
  }
  if (problems.length > 0) return err(problems);

  const fingerprint = fingerprintOf(definition.resource, filters, sorts);
  const after = parseCursor(given.get('cursor'), cursors, fingerprint, sorts.length + 1);
  if (!after.ok) return err([after.error]);
  return ok({ limit, filters, sorts, after: after.value, offset: (page - 1) * limit, withTotal, fingerprint });
}

function singleValues(parameters: ListingParameters, problems: InputProblem[]): Map<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string') given.set(name, value);
    else if (value !== undefined) problems.push({ path: `/${name}`, code: 'duplicate', message: 'must be given once' });
  }
  return given;
}

function wholeNumber(
  given: ReadonlyMap<string, string>,
  name: string,
  fallback: number,
  max: number,
  problems: InputProblem[],
): number {
  const text = given.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= 1 && value <= max) return value;
  problems.push({ path: `/${name}`, code: 'out_of_range', message: `must be a whole number from 1 to ${max}` });
  return fallback;
}

function parseTotal(text: string | undefined, problems: InputProblem[]): boolean {
  if (text !== undefined && text !== 'true' && text !== 'false') {
    problems.push({ path: '/total', code: 'unknown_value', message: 'must be true or false' });
  }
  return text === 'true';
}

function parseSorts(definition: ListingDefinition, text: string, problems: InputProblem[]): readonly ListSort[] {
  const sortable = Object.keys(definition.fields).filter((name) => definition.fields[name]?.sortable === true);
  const sorts = text.split(',').map((part): ListSort => {
    const descending = part.startsWith('-');
    return { field: descending ? part.slice(1) : part, direction: descending ? 'desc' : 'asc' };
  });
  const unknown = sorts.some(({ field }) => !sortable.includes(field));
  const repeated = new Set(sorts.map(({ field }) => field)).size !== sorts.length;
  if (unknown || repeated || sorts.length > MAX_SORTS) {
    problems.push({
      path: '/sort',
      code: 'unknown_sort',
      message: `must be up to ${MAX_SORTS} different fields of ${sortable.join(', ')}, each with a leading "-" for descending`,
    });
  }
  return sorts;
}

function parseCursor(
  text: string | undefined,
  cursors: CursorCodec,
  fingerprint: string,
  length: number,
): Result<readonly JsonValue[] | undefined, InputProblem> {
  if (text === undefined) return ok(undefined);
  const value = cursors.decode(text);
  if (Array.isArray(value) && value[0] === fingerprint && value.length === length + 1) return ok(value.slice(1));
  return err({
    path: '/cursor',
    code: 'invalid_cursor',
    message: 'is not the nextCursor of this list with the same filters and sort; start again without it',
  });
}

function fingerprintOf(resource: string, filters: readonly ListFilter[], sorts: readonly ListSort[]): string {
  const canonical = JSON.stringify([
    resource,
    filters.map((filter) => JSON.stringify([filter.field, filter.operator, filter.value])).toSorted(),
    sorts,
  ]);
  return createHash('sha256').update(canonical).digest('base64url').slice(0, 16);
}
