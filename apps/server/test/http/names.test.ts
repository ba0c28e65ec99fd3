import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Page } from '../support/client.ts';
import { productBody, userBody } from '../support/samples.ts';
import { startTestServer, type TestPerson, type TestServer } from '../support/test-server.ts';

/** Names that software has broken before. All come back as they were, in NFC. */
const NAMES: Readonly<Record<string, string>> = {
  'a straight apostrophe': "Conan O'Brien",
  'a curly apostrophe': 'Conan O\u2019Brien',
  'an umlaut in one piece': 'J\u00FCrgen M\u00FCller',
  'an umlaut in two pieces': 'Ju\u0308rgen Mu\u0308ller',
  'an umlaut that went through Latin-1': 'J\u00C3\u00BCrgen M\u00C3\u00BCller',
  SQL: "Robert'); DROP TABLE users;--",
  'a tilde and an accent': '\u00D1and\u00FA',
  Chinese: '\u674E\u96F7',
  'right to left': '\u0645\u062D\u0645\u062F \u0639\u0644\u064A',
  'an emoji of several': '\u{1F469}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466} Family',
  'a flag': '\u{1F1E8}\u{1F1ED} Helvetia',
  'letters outside of the plane': '\u{1D4D0}\u{1D4F7}\u{1D4F7}',
  'marks upon marks': 'Z\u0351\u036B\u0343a\u0334\u0358lgo',
  'a dotless i': 'I\u015F\u0131k',
  HTML: '<script>alert("x")</script> & Sons',
  'wild cards': '100% _pure_ \\ wool',
  'a backslash and quotes': String.raw`back\slash "quoted" 'twice'`,
  'a template': '${jndi:ldap://x} {{7*7}}',
  JSON: '{"name":null}',
  'the word null': 'null',
  digits: '007',
  'an exponent': '1e3',
  'spaces inside': 'Jean  Luc\u00A0Picard',
};

const field = { users: userBody, products: productBody } as const;

describe.each(describeDrivers())('names on %s', (driver) => {
  let server: TestServer;
  let owner: TestPerson;

  beforeAll(async () => {
    server = await startTestServer(driver);
    ({ owner } = await server.newTenant());
  });
  afterAll(() => server.stop());

  describe.each(['users', 'products'] as const)('of %s', (resource) => {
    const path = `/v1/${resource}`;
    interface Named {
      readonly id: string;
      readonly name: string;
    }
    const list = async (client: Client, parameter: string, value: string): Promise<readonly Named[]> => {
      const answer = await client.get(`${path}?${parameter}=${encodeURIComponent(value)}&limit=100`);
      expect(answer.status, answer.text).toBe(200);
      return answer.as<Page<Named>>().items;
    };

    it.each(Object.entries(NAMES))('with %s come back as they were', async (_, name) => {
      const kept = name.normalize('NFC');
      const created = await owner.post(path, field[resource]({ name }));
      expect(created.status, created.text).toBe(201);
      const { id } = created.as<Named>();
      expect(created.as<Named>().name).toBe(kept);
      expect((await owner.get(`${path}/${id}`)).as<Named>().name).toBe(kept);

      // However it is typed: in either normal form, and in either case.
      for (const typed of [kept, name.normalize('NFD'), kept.toLowerCase()]) {
        const found = await list(owner, 'name', typed);
        expect(found.filter((row) => row.id === id)).toEqual([expect.objectContaining({ name: kept })]);
        expect(new Set(found.map((row) => row.name.toLowerCase()))).toEqual(new Set([kept.toLowerCase()]));
      }
      const prefix = Array.from(kept).slice(0, 4).join('');
      expect((await list(owner, 'name[prefix]', prefix)).map((row) => row.id)).toContain(id);

      const renamed = await owner.patch(`${path}/${id}`, { name: 'Somebody Else' });
      expect(renamed.as<Named>().name).toBe('Somebody Else');
      expect((await list(owner, 'name', kept)).map((row) => row.id)).not.toContain(id);
      const back = await owner.patch(`${path}/${id}`, { name: `  ${name}\u00A0` });
      expect(back.as<Named>().name).toBe(kept);
      expect((await owner.get(`${path}/${id}`)).as<Named>().name).toBe(kept);
    });
  });

  it('are sent as UTF-8, byte for byte', async () => {
    const name = NAMES['an emoji of several'] ?? '';
    const { id } = (await owner.post('/v1/products', productBody({ name }))).as<{ id: string }>();
    const response = await fetch(`${server.url}/v1/products/${id}`, { headers: owner.headers });
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.includes(Buffer.from(name, 'utf8'))).toBe(true);
    expect(Number(response.headers.get('content-length'))).toBe(bytes.length);
  });

  it('are 255 characters long at most, counted as people count', async () => {
    const family = '\u{1F468}';
    for (const path of ['/v1/users', '/v1/products']) {
      const make = path === '/v1/users' ? userBody : productBody;
      expect((await owner.post(path, make({ name: family.repeat(255) }))).status, path).toBe(201);
      expect((await owner.post(path, make({ name: family.repeat(256) }))).status, path).toBe(422);
      expect((await owner.post(path, make({ name: 'u\u0308'.repeat(255) }))).status, path).toBe(201);
    }
  });

  it('of skus, companies, categories and external ids come back and are found as well', async () => {
    const odd = `O\u2019Brien \u674E ${newId()}`;
    const product = (await owner.post('/v1/products', productBody({ sku: odd, category: odd }))).as<{ id: string }>();
    const user = (await owner.post('/v1/users', userBody({ company: odd, city: odd }))).as<{ id: string }>();
    const order = (
      await owner.post('/v1/orders', { externalId: odd, lines: [{ productId: product.id, quantity: 1 }] })
    ).as<{ id: string }>();
    for (const [path, parameter, id] of [
      ['/v1/products', 'sku', product.id],
      ['/v1/products', 'category', product.id],
      ['/v1/users', 'company', user.id],
      ['/v1/orders', 'externalId', order.id],
    ] as const) {
      const { items } = (await owner.get(`${path}?${parameter}=${encodeURIComponent(odd)}`)).as<Page<{ id: string }>>();
      expect(items, `${path} ${parameter}`).toEqual([expect.objectContaining({ id, [parameter]: odd })]);
    }
  });

  it('do no harm: every table is still there', async () => {
    for (const path of ['/v1/users', '/v1/products', '/v1/orders']) {
      expect((await owner.get(path)).status, path).toBe(200);
    }
  });
});
