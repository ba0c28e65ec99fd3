import { isCodedError } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { http } from '@tenon/resources/drivers/http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openHttp, openServer, openVault, reply } from './open-http.ts';

/** What the laxest server makes of a path: decoded twice, with backslashes as slashes and without parameters of segments. */
function asRead(path: string): string {
  let text = path.split('?')[0] ?? '';
  for (let turn = 0; turn < 3; turn += 1) {
    text = text.replaceAll(/%([0-9a-f]{2})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  }
  const segments = text
    .replaceAll('\\', '/')
    .split('/')
    .map((one) => one.replace(/;.*$/s, '').trim());
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return kept.join('/');
}

const signs = '/ // \\ .. . %2e %2E%2e %252e %2f %5c %00 % @ : ? # ; & = ％２ｅ 。 ‥ ~ *'.split(' ');
const words = ['http:', 'https://evil.example', 'evil.example', 'orders', '7', ' ', '\t', '\n'];
const pieces = fc.constantFrom(...signs, ...words);

describe('a path', () => {
  it('never leaves the origin or climbs above the base, whatever is in it', async () => {
    const server = await openServer();
    const elsewhere = await openServer();
    const { api } = await openHttp({ baseUrl: `${server.origin}/api/v1` });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map((some) => some.join('')),
        ),
        async (path) => {
          const before = server.requests.length;
          const refusal: unknown = await api.get(path).then(
            () => undefined,
            (error: unknown) => error,
          );
          expect(refusal === undefined || isCodedError(refusal, 'HTTP_REQUEST_INVALID')).toBe(true);
          expect(server.requests.length - before).toBe(refusal === undefined ? 1 : 0);
          if (refusal !== undefined) return;
          const { url = '', headers } = server.requests[before] ?? { headers: {} };
          expect(url).toMatch(/^\/api\/v1(?:$|[/?])/);
          expect(`${asRead(url)}/`).toMatch(/^\/api\/v1\//);
          expect(headers.host).toBe(`127.0.0.1:${server.port}`);
        },
      ),
      { numRuns: 500 },
    );
    expect(elsewhere.requests).toEqual([]);
  });

  it.each([
    '//evil.example/x',
    '///evil.example',
    'https://evil.example/x',
    'javascript:x',
    '/\\evil.example',
    '/..',
    '/../x',
    '/a/../../x',
    '/.',
    '/%2e%2e/x',
    '/.%2E/x',
    '/a%2f..%2fx',
    '/%252e%252e/x',
    '/%25252e./x',
    `/%${'25'.repeat(10)}20x`,
    `/${'x'.repeat(8_192)}`,
    '/..;a=b/x',
    '/a%5c..%5cx',
    '/a\tb',
    '/a\nb',
    '/a b',
    '/a#b',
    '/a%00b\0',
  ])('such as %j is refused', async (path) => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: `${server.origin}/api` });
    const failure = await failureOf(api.get(path));
    expect(failure).toMatchObject({ code: 'HTTP_REQUEST_INVALID', details: { mayHaveBeenSent: false } });
    expect(server.requests).toEqual([]);
  });

  it.each([
    ['', '/api'],
    ['/', '/api/'],
    ['/x', '/api/x'],
    ['x/y', '/api/x/y'],
    ['?a=b', '/api?a=b'],
    ['/x?a=/../b?c', '/api/x?a=/../b?c'],
    ['/group%2Fname', '/api/group%2Fname'],
    ['/a..b/...', '/api/a..b/...'],
    ['/grün', '/api/gr%C3%BCn'],
    ['/urn:isbn:1', '/api/urn:isbn:1'],
  ])('such as %j is asked for as %j', async (path, asked) => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: `${server.origin}/api` });
    await api.get(path);
    expect(server.requests[0]?.url).toBe(asked);
  });

  it('needs a base, and goes not with a url', async () => {
    const server = await openServer();
    const without = await openHttp();
    const withBase = await openHttp({ baseUrl: server.origin });
    expect((await failureOf(without.api.get('/x'))).code).toBe('HTTP_REQUEST_INVALID');
    expect((await failureOf(withBase.api.request({ path: '/x', url: server.origin }))).code).toBe(
      'HTTP_REQUEST_INVALID',
    );
    expect((await failureOf(withBase.api.request({}))).code).toBe('HTTP_REQUEST_INVALID');
    expect((await failureOf(withBase.api.request({ url: '/x' }))).code).toBe('HTTP_REQUEST_INVALID');
    expect((await without.api.request({ url: `${server.origin}/x`, query: { a: 1 } })).status).toBe(200);
    expect(server.requests.map(({ url }) => url)).toEqual(['/x?a=1']);
  });
});

describe('a credential', () => {
  it.each([
    ['api-key', 'key-1', {}, 'x-api-key', 'key-1'],
    [
      'basic',
      'pass:wörd',
      { username: 'ann' },
      'authorization',
      `Basic ${Buffer.from('ann:pass:wörd').toString('base64')}`,
    ],
    ['bearer', 'token-1', {}, 'authorization', 'Bearer token-1'],
    ['oauth2', 'token-2', { tokenType: 'bearer' }, 'authorization', 'Bearer token-2'],
    ['oauth2', 'token-3', { tokenType: 'MAC' }, 'authorization', 'MAC token-3'],
  ])('of the kind %s is a header', async (kind, secret, value, header, sent) => {
    const server = await openServer();
    const vault = openVault();
    vault.put('shop-key', kind, secret, value);
    const { api } = await openHttp({ baseUrl: server.origin, credentials: { authorization: 'shop-key' } }, { vault });
    await api.get('/x');
    expect(server.requests[0]?.headers[header]).toBe(sent);
  });

  it('of the kind api-key is in the header that the settings name, and nobody else sets it', async () => {
    const server = await openServer();
    const vault = openVault();
    vault.put('shop-key', 'api-key', 'key-1');
    const { api } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: { id: 'shop-key' } }, apiKeyHeader: 'X-Shop-Key' },
      { vault },
    );
    await api.get('/x');
    expect(server.requests[0]?.headers['x-shop-key']).toBe('key-1');
    const failure = await failureOf(api.get('/x', { headers: { 'X-SHOP-KEY': 'mine' } }));
    expect(failure.code).toBe('HTTP_REQUEST_INVALID');
  });

  it('is read by its id, in the scope that the definition names', async () => {
    const asked: unknown[] = [];
    const vault = openVault();
    vault.put('shop-key', 'bearer', 'one');
    const spy = {
      retrieve: (reference: { readonly scope?: string; readonly id: string }) => {
        asked.push(reference);
        return vault.retrieve(reference);
      },
    };
    const baseUrl = 'http://127.0.0.1:9';
    await openHttp({ baseUrl, credentials: { authorization: { id: 'shop-key', scope: 'org:acme' } } }, { vault: spy });
    await openHttp({ baseUrl, credentials: { authorization: 'shop-key' } }, { vault: spy });
    expect(asked).toEqual([{ id: 'shop-key', scope: 'org:acme' }, { id: 'shop-key' }]);
  });

  it.each([
    ['bearer', 'line\r\nbreak', {}],
    ['api-key', ' ', {}],
    ['basic', 'password', { username: 'a:b' }],
    ['oauth2', 'token', { tokenType: 'a\nb' }],
    ['database', 'password', {}],
  ])('of the kind %s that no header can hold is refused, and not quoted', async (kind, secret, value) => {
    const vault = openVault();
    vault.put('shop-key', kind, secret, value);
    const failure = await failureOf(
      openHttp({ baseUrl: 'http://127.0.0.1:9', credentials: { authorization: 'shop-key' } }, { vault }),
    );
    expect(JSON.stringify([failure.code, String(failure.cause)])).toContain('RESOURCE_CREDENTIAL_MISMATCH');
    expect(JSON.stringify(failure) + failure.message).not.toContain(secret.trim() === '' ? 'canary' : secret);
  });

  it('goes to no other origin, not with a url and not over a redirect, and neither do headers of the settings', async () => {
    const elsewhere = await openServer((response) => reply(response, 200, 'elsewhere'));
    const server = await openServer((response, { url }) =>
      url === '/away'
        ? reply(response, 307, '', { location: `${elsewhere.origin}/taken` })
        : url === '/near'
          ? reply(response, 302, '', { location: '/here' })
          : reply(response, 200, 'here'),
    );
    const vault = openVault();
    vault.put('shop-key', 'api-key', 'canary');
    const { api } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' }, headers: { 'x-plain': 'canary' } },
      { vault },
    );
    const away = await api.get('/away', { headers: { authorization: 'canary', cookie: 'canary' } });
    expect(await away.text()).toBe('elsewhere');
    await api.request({ url: `${elsewhere.origin}/direct` });
    await api.request({ url: `http://localhost:${server.port}/alias` });
    await api.get('/near');
    await api.request({ url: `${server.origin}/own` });
    expect(JSON.stringify(elsewhere.requests)).not.toContain('canary');
    expect(elsewhere.requests.map(({ url }) => url)).toEqual(['/taken', '/direct']);
    const carried = server.requests.map(({ url, headers }) => [url, headers['x-api-key'], headers['x-plain']]);
    expect(carried).toEqual([
      ['/away', 'canary', 'canary'],
      ['/alias', undefined, undefined],
      ['/near', 'canary', 'canary'],
      ['/here', 'canary', 'canary'],
      ['/own', 'canary', 'canary'],
    ]);
  });
});

describe('a redirect', () => {
  const inside = 'http://10.1.2.3/';

  it.each(['http://169.254.169.254/latest/meta-data', inside, 'http://[::1]/', 'http://inside.example/'])(
    'to %s is refused, and not tried again',
    async (location) => {
      const server = await openServer((response) => reply(response, 302, '', { location }));
      const { api } = await openHttp({ baseUrl: server.origin, resolver: () => Promise.resolve(['10.9.9.9']) });
      const failure = await failureOf(api.get('/x'));
      expect(failure).toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN', retryable: false });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('is followed ten times by default, and as often as the settings say', async () => {
    const server = await openServer((response, { url }) => {
      const left = Number(url.slice(1));
      if (left === 0) reply(response, 200, 'there');
      else reply(response, 302, '', { location: `/${left - 1}` });
    });
    const { api } = await openHttp({ baseUrl: server.origin });
    expect(await (await api.get('/10')).text()).toBe('there');
    expect((await failureOf(api.get('/11'))).code).toBe('HTTP_RESPONSE_INVALID');
    const none = await openHttp({ baseUrl: server.origin, maxRedirects: 0 });
    expect((await none.api.get('/1')).status).toBe(302);
  });
});

describe('the policy', () => {
  it('lets requests reach the Internet by https alone, and nothing inside', async () => {
    const server = await openServer();
    const { api } = await openHttp({ policy: { schemes: ['https'], ports: [443], allowPrivate: [] } });
    for (const url of [
      `http://127.0.0.1:${server.port}/`,
      'https://127.0.0.1/',
      'https://10.0.0.1/',
      'https://a.example/',
    ]) {
      expect((await failureOf(api.request({ url }))).code).toBe('HTTP_TARGET_FORBIDDEN');
    }
    expect(server.requests).toEqual([]);
  });

  it('opens scheme and port of the base when it names none, but no address inside', async () => {
    const server = await openServer();
    const base = { baseUrl: server.origin };
    const closed = http('closed', base);
    const opened = http('opened', { ...base, policy: { allowPrivate: ['127.0.0.0/8'] } });
    await using resources = createResources({ define: [closed, opened] });
    await using first = await resources.acquire(closed);
    await using second = await resources.acquire(opened);
    expect(await failureOf(first.get('/x'))).toMatchObject({
      code: 'HTTP_TARGET_FORBIDDEN',
      details: { reason: 'EGRESS_ADDRESS_FORBIDDEN' },
    });
    expect((await second.get('/x')).status).toBe(200);
    const other = await failureOf(second.request({ url: `http://127.0.0.1:${server.port + 1}/` }));
    expect(other).toMatchObject({ code: 'HTTP_TARGET_FORBIDDEN', details: { reason: 'EGRESS_PORT_FORBIDDEN' } });
  });

  it('denies and allows hosts', async () => {
    const server = await openServer();
    const { api } = await openHttp({ policy: { allow: ['good.example', 'bad.example'], deny: ['bad.example'] } });
    const ask = (host: string) => api.request({ url: `http://${host}:${server.port}/` });
    expect((await ask('good.example')).status).toBe(200);
    for (const host of ['bad.example', 'other.example']) {
      expect((await failureOf(ask(host))).code).toBe('HTTP_TARGET_FORBIDDEN');
    }
  });
});
