import type { InputProblem, JsonValue, Result } from '@tenon/core';
import type { SelectQueryBuilder } from 'kysely';
import type { Tx } from '../database.ts';

/** How a filter compares. `prefix` and `in` are written `name[prefix]=mü` and `status[in]=active,archived`. */
export type FilterOperator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'prefix';

/** One field of a resource that a list may be filtered or sorted by. Fields that are not named here are refused. */
export interface ListingField {
  /** The column. For text it must have collation `C`, and it must not be null where `sortable` is set. */
  readonly column: string;
  readonly type: 'text' | 'integer' | 'timestamp';
  /** The filters allowed; none when left out. A bare `field=value` is `eq`. */
  readonly operators?: readonly FilterOperator[];
  /** Whether the list may be sorted by it; an index must begin with the tenant and this column. Default `false`. */
  readonly sortable?: boolean;
  /** For text: the only values that exist. */
  readonly values?: readonly string[];
  /** For text: how a value is brought into the form that the column holds, for example lower case. */
  readonly normalize?: (text: string) => string;
}

/** What {@link defineListing} takes. */
export interface ListingDefinition {
  /** The resource's name; a cursor of one resource is refused by another. */
  readonly resource: string;
  readonly table: string;
  /** Columns to read. Default: all. Columns that are sorted by are always read. */
  readonly columns?: readonly string[];
  /** By the names that callers use. */
  readonly fields: Readonly<Record<string, ListingField>>;
  /** A sort as callers write it: `-createdAt`. */
  readonly defaultSort: string;
  /** The unique column that makes the order total. Default `id`. */
  readonly idColumn?: string;
}

/** Query parameters as a server parses them. */
export type ListingParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A checked filter. */
export interface ListFilter {
  readonly field: string;
  readonly operator: FilterOperator;
  readonly value: string | number | readonly string[] | readonly number[];
}

/** One key of the order. */
export interface ListSort {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

/** A checked request for one page. */
export interface ListRequest {
  /** 1 to 100. */
  readonly limit: number;
  readonly filters: readonly ListFilter[];
  readonly sorts: readonly ListSort[];
  /** The key of the row after which the page begins. */
  readonly after: readonly JsonValue[] | undefined;
  /** For numbered pages: rows to skip. */
  readonly offset: number;
  readonly withTotal: boolean;
  /** Identifies resource, filters and sort, so that a cursor fits only the list that it came from. */
  readonly fingerprint: string;
}

/** How many rows there are, as far as it is worth counting. */
export interface ListTotal {
  readonly value: number;
  /** `at-least` when counting stopped at 10,000. */
  readonly relation: 'exact' | 'at-least';
}

/** One page. */
export interface ListPage<Row> {
  readonly items: readonly Row[];
  readonly hasMore: boolean;
  /** Gives the next page, when there is one. */
  readonly nextCursor: string | null;
  /** Only when asked for. */
  readonly total?: ListTotal;
}

/** Makes cursors opaque and unforgeable. The server signs them with a key of its own. */
export interface CursorCodec {
  encode(value: JsonValue): string;
  /** `undefined` for anything that `encode` did not make. */
  decode(cursor: string): JsonValue | undefined;
}

/** The query of a list, open to one more condition. */
export type ListingQuery<Row> = SelectQueryBuilder<Record<string, Record<string, unknown>>, string, Row>;

/** A list of one resource: filters, sorts and pages by key. */
export interface Listing<Row> {
  /** What it was made of, for API references. */
  readonly definition: ListingDefinition;
  /**
   * Checks query parameters: `limit` (1 to 100, default 20), `cursor` or `page`, `sort` (`-createdAt,name`, at most 3),
   * `total=true`, and filters. Anything else is refused, never ignored.
   */
  parse(parameters: ListingParameters, cursors: CursorCodec): Result<ListRequest, readonly InputProblem[]>;
  /**
   * Reads one page in one statement (two with a total).
   *
   * @param narrow - adds conditions that the caller has no say in
   */
  read<Tables>(
    tx: Tx<Tables>,
    request: ListRequest,
    cursors: CursorCodec,
    narrow?: (query: ListingQuery<Row>) => ListingQuery<Row>,
  ): Promise<ListPage<Row>>;
}
