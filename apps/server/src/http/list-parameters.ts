import type { FastifyRequest } from 'fastify';
import type {
  CursorCodec,
  FilterOperator,
  Listing,
  ListingField,
  ListingParameters,
  ListRequest,
} from '@tenon/database';
import { Type, type TObject, type TSchema } from 'typebox';
import { inputInvalid } from './problem.ts';

const OPERATOR_WORDS = {
  eq: 'is this',
  ne: 'is not this',
  gt: 'is greater than this',
  gte: 'is this or greater',
  lt: 'is less than this',
  lte: 'is this or less',
  in: 'is one of these (comma-separated)',
  prefix: 'begins with this',
} as const;

/** The query parameters of a list, for the API reference. They are checked by the listing itself, all at once. */
export function listParameters(listing: Listing<object>): TObject {
  const { fields, defaultSort } = listing.definition;
  const sortable = Object.keys(fields).filter((name) => fields[name]?.sortable === true);
  const parameters: Record<string, TSchema> = {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'rows on a page' })),
    cursor: Type.Optional(Type.String({ description: '`nextCursor` of the page before' })),
    page: Type.Optional(
      Type.Integer({ minimum: 1, description: 'numbered page instead of a cursor, up to row 10,000' }),
    ),
    sort: Type.Optional(
      Type.String({
        default: defaultSort,
        description: `up to 3 of ${sortable.join(', ')}; a leading \`-\` sorts descending`,
      }),
    ),
    total: Type.Optional(Type.Boolean({ default: false, description: 'also count the rows, up to 10,000' })),
  };
  for (const [name, field] of Object.entries(fields)) {
    for (const operator of field.operators ?? []) {
      parameters[operator === 'eq' ? name : `${name}[${operator}]`] = Type.Optional(
        filterSchema(name, field, operator),
      );
    }
  }
  return Type.Object(parameters);
}

function filterSchema(name: string, field: ListingField, operator: FilterOperator): TSchema {
  const description = `${name} ${OPERATOR_WORDS[operator]}`;
  const values = field.values === undefined ? '' : `: ${field.values.join(', ')}`;
  if (operator === 'in') return Type.String({ description: `${description}${values}` });
  if (field.values !== undefined) return Type.String({ enum: [...field.values], description });
  if (field.type === 'integer') return Type.Integer({ description });
  const form = field.type === 'timestamp' ? ': a date or time, as 2026-01-31 or 2026-01-31T12:00:00Z' : '';
  return Type.String({ description: `${description}${form}` });
}

/**
 * Reads a list's query parameters.
 *
 * @throws `INPUT_INVALID` with every problem
 */
export function listRequestOf(request: FastifyRequest, listing: Listing<object>, cursors: CursorCodec): ListRequest {
  const parsed = listing.parse(request.query as ListingParameters, cursors);
  if (!parsed.ok) throw inputInvalid(parsed.error);
  return parsed.value;
}

/** A page of a resource, for the API reference and for writing the answer fast. */
export function pageOf(item: TSchema): TObject {
  return Type.Object({
    items: Type.Array(item),
    hasMore: Type.Boolean(),
    nextCursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'give it as `cursor` for the next page',
    }),
    total: Type.Optional(
      Type.Object({
        value: Type.Integer(),
        relation: Type.String({ description: '`exact`, or `at-least` where counting stopped' }),
      }),
    ),
  });
}
