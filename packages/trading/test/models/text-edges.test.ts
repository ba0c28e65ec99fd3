import { parseNewProduct, parseProduct, type NewProduct } from '@tenon/trading';
import { unwrap } from '@tenon/core';
import { describe, expect, test } from 'vitest';
import { problemsOf } from '../support/problems.ts';
import { newProduct, product } from '../support/samples.ts';

const named = (name: unknown) => parseNewProduct({ ...newProduct, name });
const nameOf = (name: unknown): string => unwrap(named(name)).name;

describe('a name', () => {
  test.each([
    ['empty', '', '/name too_short'],
    ['only white space', ' \t\u00a0\u3000\ufeff ', '/name too_short'],
    ['null', null, '/name wrong_type'],
    ['undefined', undefined, '/name required'],
    ['zero', 0, '/name wrong_type'],
    ['a list', ['Chai'], '/name wrong_type'],
    ['an object', { text: 'Chai' }, '/name wrong_type'],
    ['true', true, '/name wrong_type'],
    ['a date object', new Date(0), '/name wrong_type'],
    ['a number object', Object('Chai'), '/name wrong_type'],
    ['a big integer', 1n, '/name wrong_type'],
    ['a symbol', Symbol('name'), '/name wrong_type'],
    ['a function', () => 'Chai', '/name wrong_type'],
    ['NUL inside', 'Ch\0ai', '/name not_text'],
    ['a lone high surrogate', 'Chai \ud83d', '/name not_text'],
    ['a lone low surrogate', '\ude00 Chai', '/name not_text'],
    ['a line break', 'Chai\nTea', '/name malformed'],
    ['a carriage return', 'Chai\rTea', '/name malformed'],
    ['an escape character', '\u001b[31mChai', '/name malformed'],
    ['a delete character', 'Chai\u007fTea', '/name malformed'],
  ])('that is %s is refused', (_, name, problem) => {
    expect(problemsOf(named(name))).toEqual([problem]);
  });

  test('may be absent only where it is optional', () => {
    const { name: _, ...rest } = newProduct;
    expect(problemsOf(parseNewProduct(rest))).toEqual(['/name required']);
  });

  test.each([
    "O'Brien",
    'O’Brien',
    'Müller',
    'Ñandú',
    '李雷',
    "Robert'); DROP TABLE products;--",
    'MÃ¼ller', // decoded wrongly once; it is the owner's to mend
    'ð\u009f\u0094\u0094 bell',
    'right \u202e to left',
    'ZWJ 👩‍👩‍👧‍👦',
    'a/b\\c "d" <e> %f _g',
    '\u{10ffff}',
  ])('%o is kept exactly', (name) => {
    expect(nameOf(name)).toBe(name);
  });

  test('is trimmed, and brought into NFC', () => {
    expect(nameOf('  Mu\u0308ller \n')).toBe('M\u00fcller');
    expect(nameOf('\u212bngstro\u0308m')).toBe('\u00c5ngström');
  });

  test('is measured in code points: emoji count once, marks that do not combine count each', () => {
    expect(nameOf('😀'.repeat(255))).toHaveLength(510);
    expect(problemsOf(named('😀'.repeat(256)))).toEqual(['/name too_long']);
    // Latin q has no composed form with an umlaut: two code points that look like one.
    expect(problemsOf(named('q\u0308'.repeat(127)))).toEqual([]);
    expect(problemsOf(named('q\u0308'.repeat(128)))).toEqual(['/name too_long']);
  });

  test('is measured after it was brought into its final form', () => {
    expect(nameOf('u\u0308'.repeat(255))).toBe('ü'.repeat(255));
    expect(nameOf(`  ${'x'.repeat(255)}  `)).toHaveLength(255);
  });
});

describe('a number', () => {
  const priced = (priceMinor: unknown) => parseNewProduct({ ...newProduct, priceMinor });

  test.each([
    ['NaN', Number.NaN, 'wrong_type'],
    ['infinite', Number.POSITIVE_INFINITY, 'wrong_type'],
    ['a fraction', 17.5, 'wrong_type'],
    ['text', '1800', 'wrong_type'],
    ['null', null, 'wrong_type'],
    ['true', true, 'wrong_type'],
    ['a big integer', 1800n, 'wrong_type'],
    ['beyond what is exact', Number.MAX_SAFE_INTEGER + 1, 'out_of_range'],
    ['far below zero', Number.MIN_SAFE_INTEGER - 1, 'out_of_range'],
  ])('that is %s is refused', (_, value, problem) => {
    expect(problemsOf(priced(value))).toEqual([`/priceMinor ${problem}`]);
  });

  test('minus zero is zero', () => {
    expect(Object.is(unwrap(priced(-0)).priceMinor, 0)).toBe(true);
  });
});

describe('an object', () => {
  test.each([[null], [undefined], [0], [''], ['{}'], [true], [Symbol('x')]])('is not %o', (input) => {
    expect(problemsOf(parseNewProduct(input))).toEqual([' wrong_type']);
  });

  test('is not a list', () => {
    expect(problemsOf(parseNewProduct([newProduct]))).toContain(' wrong_type');
  });

  test('is plain: what a class or a prototype brings along does not count', () => {
    class Disguise {
      readonly sku = 'CHAI';
    }
    for (const disguised of [Object.create(newProduct), new Disguise(), new Map(Object.entries(newProduct))]) {
      expect(problemsOf(parseNewProduct(disguised))).toEqual([' wrong_type']);
    }
    expect(problemsOf(parseNewProduct(Object.assign(Object.create(null), newProduct)))).toEqual([]);
  });

  test('with a key __proto__ is refused, and nothing inherits from it', () => {
    const input: unknown = JSON.parse(
      `{"sku":"X","name":"X","priceMinor":1,"currency":"EUR","__proto__":{"stock":99}}`,
    );
    expect(problemsOf(parseNewProduct(input))).toEqual(['/__proto__ unknown_field']);
    expect(({} as { stock?: number }).stock).toBeUndefined();
  });

  test.each(['constructor', 'prototype', 'toString', 'hasOwnProperty'])('has no field %s', (key) => {
    expect(problemsOf(parseNewProduct({ ...newProduct, [key]: 'x' }))).toEqual([`/${key} unknown_field`]);
  });

  test('that inherits every name of Object still lacks its fields', () => {
    expect(problemsOf(parseProduct({}))).toHaveLength(Object.keys(product).length);
  });

  test('is cleaned into a copy: the input stays as it was', () => {
    const input = Object.freeze({ ...newProduct, name: ' Chai ' });
    const parsed = unwrap(parseNewProduct(input));
    expect(input.name).toBe(' Chai ');
    expect(parsed.name).toBe('Chai');
  });

  test('nested without end, or within itself, is refused', () => {
    const endless: Record<string, unknown> = { ...newProduct };
    endless['self'] = endless;
    const problems = problemsOf(parseNewProduct(endless));
    expect(problems.some((problem) => problem.endsWith(' too_deep'))).toBe(true);
  });

  test('with thousands of unknown fields is answered with a hundred problems', () => {
    const fields = Array.from({ length: 5_000 }, (_, index) => [`field${index}`, index]);
    const problems = problemsOf(parseNewProduct({ ...newProduct, ...Object.fromEntries(fields) }));
    expect(problems).toHaveLength(100);
    expect(problems[0]).toBe('/field0 unknown_field');
  });

  test('points to odd keys by JSON pointer, and cuts endless ones', () => {
    const odd = { ...newProduct, 'a/b~c': 1, ['k'.repeat(500)]: 1 } as NewProduct;
    const [first = '', second = ''] = problemsOf(parseNewProduct(odd));
    expect(first).toBe('/a~1b~0c unknown_field');
    expect(second).toBe(`/${'k'.repeat(64)} unknown_field`);
  });

  test('points to a malformed text under an odd key', () => {
    expect(problemsOf(parseNewProduct({ ...newProduct, 'a/b': '\0' }))).toContain('/a~1b not_text');
  });
});
