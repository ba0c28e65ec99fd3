import fc from 'fast-check';
import type { Listing, ListingParameters, ListPage } from '@tenon/database';
import { cursors } from './open-trading.ts';

/** How the model reads one field of a list. */
export interface ModelField<Item> {
  readonly value: (item: Item) => string | number | null;
  readonly operators: readonly string[];
  readonly sortable: boolean;
  /** A value to filter by, as text. */
  readonly text: fc.Arbitrary<string>;
  /** How the text of a filter becomes a value to compare with. Default: as it is. */
  readonly parse?: (text: string) => string | number;
}

/** The fields by name. */
export type ModelFields<Item> = Readonly<Record<string, ModelField<Item>>>;

/** Any query that the list allows. */
export function anyQuery<Item>(fields: ModelFields<Item>): fc.Arbitrary<ListingParameters> {
  const filters = Object.entries(fields).flatMap(([name, { operators, text }]) =>
    operators.map((operator) =>
      fc
        .array(text, { minLength: 1, maxLength: operator === 'in' ? 3 : 1 })
        .map((values): readonly [string, string] => [
          operator === 'eq' ? name : `${name}[${operator}]`,
          values.join(','),
        ]),
    ),
  );
  const sortable = Object.keys(fields).filter((name) => fields[name]?.sortable);
  const sort = fc
    .uniqueArray(fc.constantFrom(...sortable), { minLength: 1, maxLength: 3 })
    .chain((names) => fc.tuple(...names.map((name) => fc.constantFrom(name, `-${name}`))))
    .map((names) => names.join(','));
  return fc
    .record({
      limit: fc.integer({ min: 1, max: 12 }),
      sort: fc.option(sort, { nil: undefined }),
      filters: fc.array(fc.oneof(...filters), { maxLength: 2 }),
    })
    .map(({ limit, sort: by, filters: chosen }) => ({
      limit: String(limit),
      ...(by === undefined ? {} : { sort: by }),
      ...Object.fromEntries(chosen),
    }));
}

/** What the list must hold, in order: ids. */
export function expectedIds<Item extends { readonly id: string; readonly createdAt: string }>(
  items: readonly Item[],
  fields: ModelFields<Item>,
  query: ListingParameters,
): readonly string[] {
  const filters = Object.entries(query).filter(([name]) => name !== 'limit' && name !== 'sort');
  const sorts = String(query['sort'] ?? '-createdAt').split(',');
  const keys = sorts.map((sort) => ({ name: sort.replace('-', ''), sign: sort.startsWith('-') ? -1 : 1 }));
  const lastSign = keys.at(-1)?.sign ?? 1;
  return items
    .filter((item) => filters.every(([name, text]) => matches(item, fields, name, String(text))))
    .toSorted((left, right) => {
      for (const { name, sign } of keys) {
        const order = compare(fields[name]?.value(left) ?? '', fields[name]?.value(right) ?? '');
        if (order !== 0) return order * sign;
      }
      return compare(left.id, right.id) * lastSign;
    })
    .map(({ id }) => id);
}

function matches<Item>(item: Item, fields: ModelFields<Item>, parameter: string, text: string): boolean {
  const [name = '', operator = 'eq'] = parameter.replace(']', '').split('[');
  const field = fields[name] as ModelField<Item>;
  const value = field.value(item);
  const parse = field.parse ?? ((same: string) => same);
  if (value === null) return false;
  if (operator === 'in') return text.split(',').some((one) => compare(value, parse(one)) === 0);
  if (operator === 'prefix') return String(value).startsWith(String(parse(text)));
  const order = compare(value, parse(text));
  return { eq: order === 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[operator] ?? false;
}

// Text by code points, as the database sorts it in collation C.
function compare(left: string | number, right: string | number): number {
  if (typeof left === 'number' && typeof right === 'number') return Math.sign(left - right);
  return Math.sign(Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right))));
}

/** Reads all pages. */
export async function readAllPages<Item, Row>(
  listing: Listing<Row>,
  query: ListingParameters,
  read: (request: Extract<ReturnType<Listing<Row>['parse']>, { ok: true }>['value']) => Promise<ListPage<Item>>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const request = listing.parse({ ...query, ...(cursor === null ? {} : { cursor }) }, cursors);
    if (!request.ok) throw new Error(`the query was refused: ${JSON.stringify(request.error)}`);
    const page: ListPage<Item> = await read(request.value);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}
