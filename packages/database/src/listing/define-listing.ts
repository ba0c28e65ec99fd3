import type { JsonValue } from '@tenon/core';
import { sql, type CompiledQuery, type RawBuilder, type SqlBool } from 'kysely';
import type { Tx } from '../database.ts';
import { databaseError } from '../errors.ts';
import { afterKey, type KeysetColumn } from './keyset.ts';
import type {
  CursorCodec,
  ListFilter,
  Listing,
  ListingDefinition,
  ListingField,
  ListingQuery,
  ListPage,
  ListRequest,
  ListTotal,
} from './listing.ts';
import { LIST_PARAMETERS, parseListRequest } from './parse-request.ts';

const COUNT_LIMIT = 10_000;
const MAX_KEPT_PAGES = 500;
// The last code point there is: in collation C, every text with a prefix sorts before the prefix and this.
const LAST_CODE_POINT = '\u{10FFFF}';
const COMPARISONS = { eq: '=', ne: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

type AnyTables = Record<string, Record<string, unknown>>;

/**
 * Declares how one resource is listed. Pages are found by key and not by counting rows, so the thousandth page costs what
 * the first does, and rows inserted meanwhile neither repeat nor hide others.
 *
 * @example
 * ```ts
 * const products = defineListing<ProductRow>({
 *   resource: 'products',
 *   table: 'products',
 *   fields: { price: { column: 'price_minor', type: 'integer', operators: ['gte', 'lte'], sortable: true } },
 *   defaultSort: 'price',
 * });
 * const request = products.parse({ 'price[gte]': '1000', limit: '50' }, cursors);
 * if (request.ok) await database.withTenant((tx) => products.read(tx, request.value, cursors));
 * ```
 * @throws `DATABASE_OPTIONS_INVALID` when the definition contradicts itself
 */
export function defineListing<Row extends object>(definition: ListingDefinition): Listing<Row> {
  const idColumn = definition.idColumn ?? 'id';
  assertConsistent(definition);
  const fieldOf = (name: string): ListingField => definition.fields[name] as ListingField;
  const keysetOf = (request: ListRequest): readonly KeysetColumn[] => {
    const columns = request.sorts.map(({ field, direction }) => ({ column: fieldOf(field).column, direction }));
    // The id goes the way of the last key, so that a sort by one field is one index scan in one direction.
    return [...columns, { column: idColumn, direction: columns.at(-1)?.direction ?? 'asc' }];
  };

  const filtered = (tx: Tx<AnyTables>, request: ListRequest): ListingQuery<Row> => {
    let query = tx.selectFrom(definition.table) as unknown as ListingQuery<Row>;
    for (const filter of request.filters) query = query.where(condition(fieldOf(filter.field), filter));
    return query;
  };

  const selected = (query: ListingQuery<Row>, keyset: readonly KeysetColumn[]): ListingQuery<Row> => {
    if (definition.columns === undefined) return query.selectAll();
    const names = new Set([...definition.columns, ...keyset.map(({ column }) => column)]);
    return query.select([...names]);
  };

  const narrowed = (query: ListingQuery<Row>, narrow: Narrow<Row> | undefined): ListingQuery<Row> =>
    narrow === undefined ? query : narrow(query);

  const pageQuery = (
    tx: Tx<AnyTables>,
    request: ListRequest,
    keyset: readonly KeysetColumn[],
    narrow: Narrow<Row> | undefined,
  ): CompiledQuery<Row> => {
    // The limit stands in the text: a plan for any limit would expect a tenth of the table, and sort it.
    let query = selected(narrowed(filtered(tx, request), narrow), keyset).limit(sql.lit(request.limit + 1));
    for (const { column, direction } of keyset) query = query.orderBy(sql.ref(column), direction);
    if (request.after !== undefined) query = query.where(afterKey(keyset, request.after));
    if (request.offset > 0) query = query.offset(request.offset);
    return query.compile();
  };
  const compiled = createPageCache<Row>();

  return {
    definition,
    parse: (parameters, cursors) => parseListRequest(definition, parameters, cursors),
    async read<Tables>(
      tx: Tx<Tables>,
      request: ListRequest,
      cursors: CursorCodec,
      narrow?: (query: ListingQuery<Row>) => ListingQuery<Row>,
    ): Promise<ListPage<Row>> {
      const anyTx = tx as unknown as Tx<AnyTables>;
      const keyset = keysetOf(request);
      const { rows } = await anyTx.executeQuery(
        compiled.get(request, narrow, () => pageQuery(anyTx, request, keyset, narrow)),
      );
      const items = rows.slice(0, request.limit);
      const hasMore = rows.length > request.limit;
      const last = items.at(-1);
      return {
        items,
        hasMore,
        nextCursor:
          hasMore && last !== undefined ? cursors.encode([request.fingerprint, ...keyOf(last, keyset)]) : null,
        ...(request.withTotal ? { total: await countUpTo(anyTx, narrowed(filtered(anyTx, request), narrow)) } : {}),
      };
    },
  };
}

/** A page of something else, one for each row. Frozen, as what is handed out is. */
export function mapPage<Row, Item>(page: ListPage<Row>, toItem: (row: Row) => Item): ListPage<Item> {
  return Object.freeze({ ...page, items: Object.freeze(page.items.map((row) => toItem(row))) });
}

function assertConsistent(definition: ListingDefinition): void {
  const defaultField = definition.defaultSort.replace(/^-/, '');
  if (definition.fields[defaultField]?.sortable !== true) {
    throw databaseError(
      'DATABASE_OPTIONS_INVALID',
      `listing "${definition.resource}": the default sort is not a sortable field`,
    );
  }
  const reserved = Object.keys(definition.fields).find((name) => LIST_PARAMETERS.has(name));
  if (reserved !== undefined) {
    throw databaseError(
      'DATABASE_OPTIONS_INVALID',
      `listing "${definition.resource}": a field cannot be called "${reserved}", which every list takes as a parameter`,
    );
  }
}

type Narrow<Row> = (query: ListingQuery<Row>) => ListingQuery<Row>;

// The same pages are asked for again and again, first pages above all: their statements are kept, because building one costs as
// much as reading its rows. Statements with a condition of their own are not: what it says is not known here.
function createPageCache<Row>() {
  const pages = new Map<string, CompiledQuery<Row>>();
  return {
    get(request: ListRequest, narrow: Narrow<Row> | undefined, build: () => CompiledQuery<Row>): CompiledQuery<Row> {
      if (narrow !== undefined) return build();
      const key = `${request.fingerprint} ${request.limit} ${request.offset} ${JSON.stringify(request.after)}`;
      const kept = pages.get(key);
      if (kept !== undefined) return kept;
      if (pages.size >= MAX_KEPT_PAGES) pages.clear();
      const query = build();
      pages.set(key, query);
      return query;
    },
  };
}

function condition(field: ListingField, filter: ListFilter): RawBuilder<SqlBool> {
  const column = sql.ref(field.column);
  if (filter.operator === 'in') {
    // One array parameter, so that the statement's text does not depend on how many values there are.
    const type = sql.raw({ text: 'text[]', integer: 'bigint[]', timestamp: 'timestamptz[]' }[field.type]);
    return sql<SqlBool>`${column} = any(${filter.value}::${type})`;
  }
  if (filter.operator === 'prefix') {
    return sql<SqlBool>`${column} >= ${filter.value} and ${column} < ${`${String(filter.value)}${LAST_CODE_POINT}`}`;
  }
  return sql<SqlBool>`${column} ${sql.raw(COMPARISONS[filter.operator])} ${filter.value}`;
}

function keyOf(row: object, keyset: readonly KeysetColumn[]): JsonValue[] {
  return keyset.map(({ column }) => {
    const value = (row as Record<string, unknown>)[column];
    return value instanceof Date ? value.toISOString() : (value as JsonValue);
  });
}

async function countUpTo<Row>(tx: Tx<AnyTables>, query: ListingQuery<Row>): Promise<ListTotal> {
  const limited = query.select(sql<number>`1`.as('one')).limit(COUNT_LIMIT + 1);
  const { rows } = await sql<{ count: number }>`select count(*) as count from (${limited}) as counted`.execute(tx);
  const count = rows[0]?.count ?? 0;
  const isMore = count > COUNT_LIMIT;
  return Object.freeze({ value: isMore ? COUNT_LIMIT : count, relation: isMore ? 'at-least' : 'exact' });
}
