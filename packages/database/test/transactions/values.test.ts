import { describeDrivers } from '@tenon/database/testing';
import fc from 'fast-check';
import { sql, type RawBuilder } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWidgets, type WidgetDatabase } from '../widget-database.ts';

describe.each(describeDrivers())('values that come back on %s', (driver) => {
  let widgets: WidgetDatabase;
  beforeAll(async () => {
    widgets = await openWidgets(driver);
  });
  afterAll(() => widgets.drop());

  const read = async (expression: RawBuilder<unknown>): Promise<unknown> => {
    const { rows } = await widgets.system((tx) => sql<{ value: unknown }>`select ${expression} as value`.execute(tx));
    return rows[0]?.value;
  };

  it.each([0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])('int8 %d is that number', async (value) => {
    expect(await read(sql`${value}::int8`)).toBe(value);
  });

  it.each(['9007199254740992', '-9007199254740992', '9223372036854775807'])(
    'int8 %s, which JavaScript would round, is an error',
    async (value) => {
      await expect(read(sql`${value}::int8`)).rejects.toMatchObject({ code: 'DATABASE_VALUE_INVALID' });
      expect(await read(sql`1::int8`)).toBe(1);
    },
  );

  it('counts are numbers, sums of int8 are text until they are cast', async () => {
    expect(await read(sql`(select count(*) from widgets)`)).toBe(0);
    expect(await read(sql`(select sum(n) from generate_series(1::int8, 3) n)`)).toBe('6');
    expect(await read(sql`(select sum(n)::int8 from generate_series(1::int8, 3) n)`)).toBe(6);
  });

  it('a date is its text, whatever the time zone of the process; a moment is a Date', async () => {
    expect(await read(sql`'2026-03-01'::date`)).toBe('2026-03-01');
    expect(await read(sql`'2026-03-01T12:00:00.123Z'::timestamptz`)).toEqual(new Date('2026-03-01T12:00:00.123Z'));
  });

  it('bytes, JSON, null, arrays and text of any script are what went in', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    expect(await read(sql`${bytes}::bytea`)).toEqual(bytes);
    expect(await read(sql`${JSON.stringify({ a: [1, 'ü'] })}::jsonb`)).toEqual({ a: [1, 'ü'] });
    expect(await read(sql`null::text`)).toBeNull();
    expect(await read(sql`${['a', 'b,"c']}::text[]`)).toEqual(['a', 'b,"c']);
    expect(await read(sql`${"O'Brien Ünïcode 鍵 🗝️"}::text`)).toBe("O'Brien Ünïcode 鍵 🗝️");
  });

  it('an array of any text, with or without nulls, or of any numbers, comes back element by element', async () => {
    const text = fc.oneof(
      fc.constantFrom('', 'NULL', 'null', '{', '}', ',', '"', '\\', ' a ', '\n', "'"),
      fc.string({ unit: 'grapheme' }).filter((one) => one.isWellFormed() && !one.includes('\0')),
    );
    const arrays = fc.oneof(
      fc.array(text).map((value) => [sql`${value}::text[]`, value] as const),
      fc.array(fc.option(text)).map((value) => [sql`${value}::text[]`, value] as const),
      fc.array(fc.maxSafeInteger()).map((value) => [sql`${value}::int8[]::float8[]`, value] as const),
      fc
        .array(fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Object.is(one, -0)))
        .map((value) => [sql`${value}::float8[]`, value] as const),
    );
    await fc.assert(
      fc.asyncProperty(arrays, async ([expression, value]) => {
        expect(await read(expression)).toEqual(value);
      }),
    );
  });

  it('a write says how many rows it touched', async () => {
    await widgets.as('acme', async (tx) => {
      const inserted = await tx
        .insertInto('widgets')
        .values(['a', 'b', 'c'].map((name) => ({ id: name, name, size: 1 })))
        .executeTakeFirst();
      expect(inserted.numInsertedOrUpdatedRows).toBe(3n);
      const deleted = await tx.deleteFrom('widgets').where('name', '>', 'a').executeTakeFirst();
      expect(deleted.numDeletedRows).toBe(2n);
    });
  });
});
