import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/expect-problem.ts';
import { createProduct, productBody, userBody } from '../support/samples.ts';
import { countRows, type RowCounts } from '../support/count-rows.ts';
import { startTestServer, type TestPerson, type TestServer } from '../support/test-server.ts';

const PLANTED = 'planted-4c81d0';

const json = (text: string): Uint8Array => Buffer.from(text);
/** The body of a product with raw text in the place of its name. */
const named = (name: string): string =>
  JSON.stringify(productBody({ name: '@', description: PLANTED })).replace('"@"', name);

const malformed: Readonly<Record<string, Uint8Array | string>> = {
  'nothing but white space': ' \n\t ',
  'half an object': `{"sku": "${PLANTED}"`,
  'two values': '{} {}',
  'a trailing comma': `{"sku": "${PLANTED}",}`,
  'single quotes': `{'sku': '${PLANTED}'}`,
  'a comment': '{} // done',
  NaN: named('NaN'),
  'a number that is none': named('0x10'),
  'a line break in a text': named('"a\nb"'),
  'an escape that is none': named(String.raw`"\x41"`),
  NUL: named(String.raw`"a\u0000b"`),
  'NUL as a byte': named('"a\0b"'),
  'half of a surrogate pair': named(String.raw`"\ud83d"`),
  'the halves of a surrogate pair in the wrong order': named(String.raw`"\ude00\ud83d"`),
  'half of a surrogate pair in a key': String.raw`{"\udc00": 1}`,
  'NUL in a key': String.raw`{"sku\u0000": 1}`,
  'a key __proto__': `{"__proto__": {"stock": 7}, "sku": "${PLANTED}"}`,
  'a hidden key __proto__': String.raw`{"\u005f_proto__": {"stock": 7}}`,
  'a key __proto__ deep inside': '{"a": [{"b": {"__proto__": null}}]}',
  'a constructor': '{"constructor": {"prototype": {"stock": 7}}}',
  'invalid UTF-8': Buffer.concat([json('{"name": "'), Buffer.from([0xff, 0xfe]), json('"}')]),
  'UTF-8 of a surrogate': Buffer.concat([json('{"name": "'), Buffer.from([0xed, 0xa0, 0x80]), json('"}')]),
  'UTF-8 that is longer than needed': Buffer.concat([json('{"name": "'), Buffer.from([0xc0, 0xaf]), json('"}')]),
  'half a character at the end': Buffer.concat([json('{"name": "M'), Buffer.from([0xc3])]),
  'Latin-1': Buffer.from('{"name": "Müller"}', 'latin1'),
  'UTF-16': Buffer.from('{"name": "Müller"}', 'utf16le'),
  'arrays in arrays without end': '['.repeat(50_000),
  'objects in objects without end': '{"a":'.repeat(50_000),
  '65 levels': `${'['.repeat(65)}${']'.repeat(65)}`,
};

describe.each(describeDrivers())('bad input on %s', (driver) => {
  let server: TestServer;
  let owner: TestPerson;
  let before: RowCounts;

  beforeAll(async () => {
    server = await startTestServer(driver);
    ({ owner } = await server.newTenant());
    await createProduct(owner);
    before = await countRows(server);
    // The measure sees what was written.
    expect(before['products']).toMatch(/^1 /);
  });
  afterAll(() => server.stop());

  const targets = (): readonly (readonly [string, string, string])[] => [
    ['POST', '/v1/products', owner.accessToken],
    ['PUT', `/v1/products/${newId()}`, owner.accessToken],
    ['PATCH', `/v1/users/${owner.userId}`, owner.accessToken],
    ['POST', '/v1/orders', owner.accessToken],
    ['PATCH', '/v1/tenant/settings', owner.accessToken],
    ['POST', '/auth/login', ''],
    ['POST', '/auth/invitations/join', ''],
  ];

  it.each(Object.entries(malformed))('%s is refused by every route, and nothing is written', async (_, body) => {
    for (const [method, path, token] of targets()) {
      const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
      const answer = await server.anybody.send(method, path, { body, headers });
      expectProblem(answer, 400, 'BODY_MALFORMED');
      expect(answer.text).not.toContain(PLANTED);
    }
    expect(await countRows(server)).toEqual(before);
  });

  it('of ten megabytes is refused before it is read as JSON', async () => {
    const answer = await owner.post('/v1/products', productBody({ description: 'x'.repeat(10 * 1_048_576) }));
    expectProblem(answer, 413, 'BODY_TOO_LARGE');
    expect(await countRows(server)).toEqual(before);
  });

  it('of the wrong type is named field by field, and nothing is written', async () => {
    const wrong: readonly unknown[] = [null, 7, -0, true, [], {}, [[]], Number.MAX_VALUE, '', 'x'.repeat(20_000)];
    for (const value of wrong) {
      const answers = [
        await owner.post('/v1/products', { sku: value, name: value, priceMinor: value, currency: value }),
        await owner.post('/v1/users', { email: value, name: value }),
        await owner.post('/v1/orders', { lines: value, status: value }),
        await owner.post('/v1/orders', { lines: [{ productId: value, quantity: value }] }),
        await owner.patch('/v1/tenant/settings', { lowStockLevel: value, language: value }),
        await owner.post('/v1/api-keys', { name: value, scopes: value }),
      ];
      for (const answer of answers) {
        expect(answer.status, `${JSON.stringify(value)} ${answer.text}`).toBe(422);
        expect(expectProblem(answer, 422, (answer.body as { code: string }).code).errors?.length).toBeGreaterThan(0);
      }
    }
    expect(await countRows(server)).toEqual(before);
  });

  it('gets at most a hundred faults named, however many it has', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, index]));
    for (const [path, body] of [
      ['/v1/products', { ...productBody(), ...many }],
      ['/v1/users', { ...userBody(), ...many }],
      ['/auth/login', { email: 'a@b', password: 'x', ...many }],
      ['/v1/orders', { lines: Array.from({ length: 5_000 }, () => ({})) }],
    ] as const) {
      const answer = await owner.post(path, body);
      const problem = expectProblem(answer, 422, (answer.body as { code: string }).code);
      expect(problem.errors?.length, path).toBeGreaterThan(0);
      expect(problem.errors?.length, path).toBeLessThanOrEqual(100);
    }
  });

  it('with names of the prototype is refused by name', async () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']) {
      for (const [path, body] of [
        ['/v1/products', productBody({ [name]: 1 })],
        ['/v1/users', userBody({ [name]: 1 })],
        ['/auth/login', { email: 'a@b', password: 'x', [name]: 1 }],
      ] as const) {
        const answer = await owner.post(path, body);
        expect(answer.status, `${path} ${name}`).toBe(422);
        expect(answer.text, `${path} ${name}`).toContain(`"/${name}"`);
      }
    }
    expect(({} as Record<string, unknown>)['stock']).toBeUndefined();
    expect(await countRows(server)).toEqual(before);
  });

  it.each([
    '__proto__=x',
    '__proto__[stock]=7',
    'constructor[prototype]=7',
    'limit[]=5',
    'limit[gte]=5',
    'price[gte][lte]=5',
    'a=%FF',
    'name=%00',
    '=',
    '&&&=&',
    '%',
    'price[gte=1',
    'sort=__proto__',
    'cursor=.',
    'cursor=%00.%00',
    `cursor=${'A'.repeat(4_000)}`,
    Array.from({ length: 2_000 }, (_, index) => `a${index}=1`).join('&'),
  ])('in a query is refused: %#', async (query) => {
    for (const path of ['/v1/products', '/v1/users', '/v1/orders', '/v1/security-events']) {
      const answer = await owner.get(`${path}?${query}`);
      expect(answer.status, `${path} ${answer.text}`).toBe(422);
      expectProblem(answer, 422, 'INPUT_INVALID');
    }
  });
});
