import type { JsonValue } from '@tenon/core';
import { sql, type RawBuilder, type SqlBool } from 'kysely';

/** A column of the order, with its direction. */
export interface KeysetColumn {
  readonly column: string;
  readonly direction: 'asc' | 'desc';
}

/**
 * The condition "comes after this key" for an order over several columns. A row comparison when all directions agree, which
 * an index answers in one step; else the expansion, led by a bound on the first column so that an index still cuts it off.
 */
export function afterKey(columns: readonly KeysetColumn[], key: readonly JsonValue[]): RawBuilder<SqlBool> {
  const refs = columns.map(({ column }) => sql.ref(column));
  const sameDirection = columns.every(({ direction }) => direction === columns[0]?.direction);
  if (sameDirection) {
    const operator = sql.raw(columns[0]?.direction === 'desc' ? '<' : '>');
    return sql<SqlBool>`(${sql.join(refs)}) ${operator} (${sql.join(key.map((value) => sql`${value}`))})`;
  }
  const strictly = (index: number): RawBuilder<SqlBool> =>
    sql<SqlBool>`${refs[index]} ${sql.raw(columns[index]?.direction === 'desc' ? '<' : '>')} ${key[index]}`;
  const alternatives = columns.map((_, index) => {
    const equal = refs.slice(0, index).map((ref, at) => sql<SqlBool>`${ref} = ${key[at]}`);
    return sql<SqlBool>`(${sql.join([...equal, strictly(index)], sql` and `)})`;
  });
  const bound = sql.raw(columns[0]?.direction === 'desc' ? '<=' : '>=');
  return sql<SqlBool>`(${refs[0]} ${bound} ${key[0]} and (${sql.join(alternatives, sql` or `)}))`;
}
