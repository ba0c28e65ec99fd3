import { createHmac } from 'node:crypto';
import { runAs, type JsonValue } from '@tenon/core';
import { defineListing, type CursorCodec, type ListPage, type MigrationSet } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface ItemRow {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly made_at: Date;
}

interface Tables {
  items: { id: string; name: string; size: number; made_at: Date | string };
}

const migrations: MigrationSet = {
  name: 'items',
  migrations: [
    {
      version: 1,
      name: 'items',
      sql: `create table items (
          tenant_id text not null default tenon_current_tenant(), id text collate "C" not null,
          name text collate "C" not null, size bigint not null, made_at timestamptz(3) not null, primary key (tenant_id, id));
        select tenon_protect_tenant_table('items')`,
    },
  ],
};

const listing = defineListing<ItemRow>({
  resource: 'items',
  table: 'items',
  fields: {
    name: {
      column: 'name',
      type: 'text',
      operators: ['eq', 'in', 'prefix'],
      sortable: true,
      normalize: (text) => text.toLowerCase(),
    },
    size: { column: 'size', type: 'integer', operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in'], sortable: true },
    madeAt: { column: 'made_at', type: 'timestamp', operators: ['gte', 'lt'], sortable: true },
    colour: { column: 'name', type: 'text', operators: ['eq'], values: ['red', 'blue'] },
  },
  defaultSort: '-madeAt',
});

const cursors: CursorCodec = {
  encode(value) {
    const text = JSON.stringify(value);
    return `${Buffer.from(text).toString('base64url')}.${createHmac('sha256', 'test').update(text).digest('base64url')}`;
  },
  decode(cursor) {
    const text = Buffer.from(cursor.split('.')[0] ?? '', 'base64url').toString();
    return cursor === cursors.encode(safeParse(text) ?? null) ? safeParse(text) : undefined;
  },
};

function safeParse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

const pad = (value: number): string => String(value).padStart(4, '0');

describe('the parameters of a list', () => {
  const problemsOf = (parameters: Record<string, string | string[]>): readonly string[] => {
    const parsed = listing.parse(parameters, cursors);
    return parsed.ok ? [] : parsed.error.map(({ path, code }) => `${path} ${code}`);
  };

  it('have a limit of 20 unless given, and of 100 at most', () => {
    const parsed = listing.parse({}, cursors);
    expect(parsed.ok && parsed.value.limit).toBe(20);
    expect(problemsOf({ limit: '100' })).toEqual([]);
    expect(problemsOf({ limit: '1' })).toEqual([]);
    for (const limit of ['0', '-1', '101', 'abc', '', ' 5', '1e2', '5.0']) {
      expect(problemsOf({ limit }), limit).toEqual(['/limit out_of_range']);
    }
  });

  it('are refused when unknown, all problems at once', () => {
    expect(
      problemsOf({
        colour: 'green',
        nonsense: '1',
        'size[like]': '1',
        size: 'x',
        sort: '-colour',
        total: 'maybe',
        limit: '0',
      }),
    ).toEqual([
      '/limit out_of_range',
      '/sort unknown_sort',
      '/total unknown_value',
      '/colour unknown_value',
      '/nonsense unknown_parameter',
      '/size[like] unknown_operator',
      '/size not_an_integer',
    ]);
  });

  it('are refused when given twice, when too deep, or when cursor and page meet', () => {
    expect(problemsOf({ limit: ['1', '2'] })).toEqual(['/limit duplicate']);
    expect(problemsOf({ page: '501', limit: '20' })).toEqual(['/page too_deep']);
    expect(problemsOf({ page: '500', limit: '20' })).toEqual([]);
    expect(problemsOf({ page: '1', cursor: 'x' })).toEqual(['/page conflict']);
  });

  it('never reach an inherited property by name', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(problemsOf({ [name]: '1' }), name).toEqual([`/${name} unknown_parameter`]);
    }
    expect(problemsOf(JSON.parse('{"__proto__": "1"}') as Record<string, string>)).toEqual([
      '/__proto__ unknown_parameter',
    ]);
  });

  it('take whole numbers that JavaScript holds exactly, real times, and well-formed text only', () => {
    expect(problemsOf({ size: '9007199254740991' })).toEqual([]);
    expect(problemsOf({ size: '9007199254740993' })).toEqual(['/size not_an_integer']);
    expect(problemsOf({ 'madeAt[gte]': '2026-02-30T00:00:00Z' })).toEqual(['/madeAt[gte] not_a_timestamp']);
    expect(problemsOf({ 'madeAt[gte]': '2026-02-28T25:00:00Z' })).toEqual(['/madeAt[gte] not_a_timestamp']);
    expect(problemsOf({ 'madeAt[gte]': 'yesterday' })).toEqual(['/madeAt[gte] not_a_timestamp']);
    expect(problemsOf({ name: 'a\0b' })).toEqual(['/name not_text']);
    expect(problemsOf({ name: '\ud800' })).toEqual(['/name not_text']);
    expect(problemsOf({ name: 'x'.repeat(257) })).toEqual(['/name too_long']);
    expect(problemsOf({ 'size[in]': Array.from({ length: 51 }, () => '1').join(',') })).toEqual(['/size[in] too_many']);
  });

  it('refuse sorts that repeat a field or are more than three', () => {
    expect(problemsOf({ sort: 'name,-name' })).toEqual(['/sort unknown_sort']);
    expect(problemsOf({ sort: 'name,size,madeAt' })).toEqual([]);
    expect(problemsOf({ sort: '' })).toEqual(['/sort unknown_sort']);
  });

  it('cannot be the name of a field', () => {
    const fields = { total: { column: 'size', type: 'integer', operators: ['eq'], sortable: true } } as const;
    expect(() => defineListing({ resource: 'x', table: 'x', fields, defaultSort: 'total' })).toThrow(
      expect.objectContaining({ code: 'DATABASE_OPTIONS_INVALID' }),
    );
  });

  it('refuse a definition whose default sort is no sortable field', () => {
    expect(() => defineListing({ resource: 'x', table: 'x', fields: {}, defaultSort: 'name' })).toThrow(
      expect.objectContaining({ code: 'DATABASE_OPTIONS_INVALID' }),
    );
  });
});

describe.each(describeDrivers())('a list on %s', (driver) => {
  let opened: TestDatabase;
  const COUNT = 60;

  beforeAll(async () => {
    opened = await openTestDatabase(driver, [migrations]);
    const database = opened.database.withTables<Tables>();
    const rows = Array.from({ length: COUNT }, (_, index) => ({
      id: `id-${pad(index)}`,
      name: ['ab', 'abc', 'b', 'zürich', "o'brien"][index % 5] as string,
      size: index % 7,
      made_at: new Date(Date.UTC(2026, 0, 1) + (index % 11) * 1_001),
    }));
    for (const tenant of ['a', 'b']) {
      await runAs({ tenant }, () => database.withTenant((tx) => tx.insertInto('items').values(rows).execute()));
    }
  });
  afterAll(() => opened.drop());

  const page = (parameters: Record<string, string>): Promise<ListPage<ItemRow>> => {
    const parsed = listing.parse(parameters, cursors);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return runAs({ tenant: 'a' }, () => opened.database.withTenant((tx) => listing.read(tx, parsed.value, cursors)));
  };

  const walk = async (parameters: Record<string, string>): Promise<readonly ItemRow[]> => {
    const items: ItemRow[] = [];
    let cursor: string | null = null;
    do {
      const next: ListPage<ItemRow> = await page(cursor === null ? parameters : { ...parameters, cursor });
      items.push(...next.items);
      expect(next.hasMore).toBe(next.nextCursor !== null);
      cursor = next.nextCursor;
    } while (cursor !== null);
    return items;
  };

  const sortBy = fc
    .uniqueArray(fc.constantFrom('name', 'size', 'madeAt'), { minLength: 1, maxLength: 3 })
    .chain((fields) => fc.tuple(...fields.map((field) => fc.constantFrom(field, `-${field}`))));

  it('gives every row once and in order, whatever the sort, the filter and the size of the pages', async () => {
    const all = await runAs({ tenant: 'a' }, () =>
      opened.database.withTables<Tables>().withTenant((tx) => tx.selectFrom('items').selectAll().execute()),
    );
    const key = (row: { name: string; size: number; made_at: Date | string }, field: string): string | number =>
      field === 'size'
        ? row.size
        : field === 'name'
          ? Buffer.from(row.name).toString('hex')
          : new Date(row.made_at).getTime();
    await fc.assert(
      fc.asyncProperty(
        sortBy,
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 0, max: 6 }),
        async (sort, limit, least) => {
          const found = await walk({ sort: sort.join(','), limit: String(limit), 'size[gte]': String(least) });
          const sorts = sort.map((name) => ({ field: name.replace('-', ''), sign: name.startsWith('-') ? -1 : 1 }));
          const last = sorts.at(-1)?.sign ?? 1;
          const expected = all
            .filter((row) => row.size >= least)
            .toSorted((left, right) => {
              for (const { field, sign } of sorts) {
                const [a, b] = [key(left, field), key(right, field)];
                if (a !== b) return a < b ? -sign : sign;
              }
              return left.id < right.id ? -last : last;
            });
          expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('filters by each operator', async () => {
    const sizes = async (parameters: Record<string, string>): Promise<readonly number[]> =>
      [...new Set((await page({ limit: '100', ...parameters })).items.map(({ size }) => size))].toSorted(
        (left, right) => left - right,
      );
    expect(await sizes({ size: '3' })).toEqual([3]);
    expect(await sizes({ 'size[ne]': '3' })).toEqual([0, 1, 2, 4, 5, 6]);
    expect(await sizes({ 'size[gt]': '4' })).toEqual([5, 6]);
    expect(await sizes({ 'size[gte]': '4', 'size[lt]': '6' })).toEqual([4, 5]);
    expect(await sizes({ 'size[lte]': '1' })).toEqual([0, 1]);
    expect(await sizes({ 'size[in]': '0,6' })).toEqual([0, 6]);
    const names = async (parameters: Record<string, string>): Promise<readonly string[]> =>
      [...new Set((await page({ limit: '100', ...parameters })).items.map(({ name }) => name))].toSorted();
    expect(await names({ 'name[prefix]': 'AB' })).toEqual(['ab', 'abc']);
    expect(await names({ 'name[prefix]': 'zü' })).toEqual(['zürich']);
    expect(await names({ name: "O'Brien" })).toEqual(["o'brien"]);
    expect(await names({ 'name[in]': 'b,zürich' })).toEqual(['b', 'zürich']);
    expect((await page({ 'madeAt[gte]': '2026-01-01T00:00:10.010Z' })).items).toHaveLength(5);
    expect((await page({ 'madeAt[lt]': '2026-01-01', limit: '100' })).items).toHaveLength(0);
  });

  it('takes a percent sign, an underscore and a quote in a prefix for themselves', async () => {
    for (const prefix of ['%', '_', "'", String.raw`\ `]) {
      expect((await page({ 'name[prefix]': prefix })).items, prefix).toEqual([]);
    }
  });

  it('shows numbered pages, and counts when asked', async () => {
    const second = await page({ page: '2', limit: '25', sort: 'size' });
    const walked = await walk({ sort: 'size', limit: '100' });
    expect(second.items.map(({ id }) => id)).toEqual(walked.slice(25, 50).map(({ id }) => id));
    expect((await page({ total: 'true', size: '3' })).total).toEqual({ value: 9, relation: 'exact' });
    expect((await page({})).total).toBeUndefined();
  });

  it('says "at least" where counting stops', async () => {
    await runAs({ tenant: 'many' }, () =>
      opened.database.withTables<Tables>().withTenant(async (tx) => {
        const made_at = new Date(0);
        for (let start = 0; start < 10_001; start += 2_000) {
          const length = Math.min(2_000, 10_001 - start);
          await tx
            .insertInto('items')
            .values(Array.from({ length }, (_, index) => ({ id: `n-${start + index}`, name: 'n', size: 1, made_at })))
            .execute();
        }
      }),
    );
    const parsed = listing.parse({ total: 'true' }, cursors);
    const counted = await runAs({ tenant: 'many' }, () =>
      opened.database.withTenant((tx) => listing.read(tx, parsed.ok ? parsed.value : (undefined as never), cursors)),
    );
    expect(counted.total).toEqual({ value: 10_000, relation: 'at-least' });
  });

  it('refuses a cursor that was changed, is of another filter or sort, or of another resource', async () => {
    const { nextCursor } = await page({ limit: '5', sort: 'size' });
    const cursor = nextCursor ?? '';
    const other = defineListing<ItemRow>({ ...listing.definition, resource: 'others' });
    const refused = (parameters: Record<string, string>, of = listing): string | undefined => {
      const parsed = of.parse(parameters, cursors);
      return parsed.ok ? undefined : parsed.error[0]?.code;
    };
    expect(refused({ cursor, sort: 'size' })).toBeUndefined();
    expect(refused({ cursor, sort: '-size' })).toBe('invalid_cursor');
    expect(refused({ cursor, sort: 'size', 'size[gt]': '1' })).toBe('invalid_cursor');
    expect(refused({ cursor, sort: 'size' }, other)).toBe('invalid_cursor');
    expect(refused({ cursor: `${cursor.slice(0, -3)}abc`, sort: 'size' })).toBe('invalid_cursor');
    expect(refused({ cursor: '', sort: 'size' })).toBe('invalid_cursor');
  });

  it('adds conditions that the caller has no say in, to rows and to the count', async () => {
    const parsed = listing.parse({ total: 'true', limit: '100' }, cursors);
    const narrowed = await runAs({ tenant: 'a' }, () =>
      opened.database.withTenant((tx) =>
        listing.read(tx, parsed.ok ? parsed.value : (undefined as never), cursors, (query) =>
          query.where('size', '=', 2),
        ),
      ),
    );
    expect(narrowed.items.map(({ size }) => size)).toEqual(Array.from({ length: 9 }, () => 2));
    expect(narrowed.total?.value).toBe(9);
  });

  it('reads only the columns named, and those that it sorts by', async () => {
    const slim = defineListing<ItemRow>({ ...listing.definition, columns: ['name'] });
    const parsed = slim.parse({ limit: '1', sort: 'size' }, cursors);
    const { items } = await runAs({ tenant: 'a' }, () =>
      opened.database.withTenant((tx) => slim.read(tx, parsed.ok ? parsed.value : (undefined as never), cursors)),
    );
    expect(Object.keys(items[0] ?? {}).toSorted()).toEqual(['id', 'name', 'size']);
  });

  it('never shows a row twice or hides one while others are inserted between the pages', async () => {
    const first = await page({ limit: '10', sort: 'name' });
    await runAs({ tenant: 'a' }, () =>
      opened.database.withTables<Tables>().withTenant((tx) =>
        tx
          .insertInto('items')
          .values([
            { id: 'id-0000a', name: 'aa', size: 100, made_at: new Date(0) },
            { id: 'id-9999', name: 'zz', size: 100, made_at: new Date(0) },
          ])
          .execute(),
      ),
    );
    const seen = first.items.map(({ id }) => id);
    let cursor = first.nextCursor;
    while (cursor !== null) {
      const next: ListPage<ItemRow> = await page({ limit: '10', sort: 'name', cursor });
      seen.push(...next.items.map(({ id }) => id));
      cursor = next.nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(COUNT + 1); // the row that sorts after the first page is met, the one before it is not
  });
});
