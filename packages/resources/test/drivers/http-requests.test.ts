import type { ServerResponse } from 'node:http';
import { runAs, runInContext } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { http } from '@tenon/resources/drivers/http';
import { describe, expect, it } from 'vitest';
import { openHttp, openServer, openVault, reply, until } from './open-http.ts';

async function* parts(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

describe('a request', () => {
  it('reaches the server as it was meant', async () => {
    const server = await openServer((response) => reply(response, 201, '{"id":7}', { 'x-made': 'yes' }));
    const { api } = await openHttp({ baseUrl: `${server.origin}/v1` });
    const answer = await api.post('/orders?a=1', {
      query: { b: 'x y', c: [1, true], none: undefined },
      json: { product: 'tea' },
      headers: { 'X-One': '1' },
    });
    expect(answer).toMatchObject({ status: 201, ok: true, url: `${server.origin}/v1/orders?a=1&b=x+y&c=1&c=true` });
    expect(answer.headers['x-made']).toBe('yes');
    expect(await answer.json()).toEqual({ id: 7 });
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/orders?a=1&b=x+y&c=1&c=true',
      body: '{"product":"tea"}',
      headers: { 'x-one': '1', 'content-type': 'application/json', 'user-agent': 'tenon' },
    });
  });

  it('has a function for each common method', async () => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: server.origin });
    for (const method of ['get', 'head', 'post', 'put', 'patch', 'delete'] as const) await api[method]('/x');
    await api.request({ path: '/x', method: 'options' });
    expect(server.requests.map(({ method }) => method)).toEqual([
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
    ]);
  });

  it.each([
    ['json', { json: [1] }, 'application/json', '[1]'],
    ['text', { text: 'grün' }, 'text/plain;charset=UTF-8', 'grün'],
    ['bytes', { bytes: new TextEncoder().encode('abc') }, 'application/octet-stream', 'abc'],
    ['form', { form: { a: '1 2', b: '&' } }, 'application/x-www-form-urlencoded;charset=UTF-8', 'a=1+2&b=%26'],
    [
      'a form as parameters',
      { form: new URLSearchParams('a=1') },
      'application/x-www-form-urlencoded;charset=UTF-8',
      'a=1',
    ],
    ['stream', { stream: parts('a', 'b') }, 'application/octet-stream', 'ab'],
  ])('sends %s as what it is', async (_name, body, type, sent) => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: server.origin });
    await api.put('/x', body);
    expect(server.requests[0]).toMatchObject({ body: sent, headers: { 'content-type': type } });
  });

  it('may say itself what its body is', async () => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: server.origin });
    await api.patch('/x', { json: {}, headers: { 'Content-Type': 'application/merge-patch+json' } });
    expect(server.requests[0]?.headers['content-type']).toBe('application/merge-patch+json');
  });

  it('names itself, and carries the headers of the settings unless it has others', async () => {
    const server = await openServer();
    const { api } = await openHttp({
      baseUrl: server.origin,
      userAgent: 'acme-shop/2',
      headers: { 'X-Api-Version': '3', accept: 'application/json' },
    });
    await api.get('/x', { headers: { Accept: 'text/csv' } });
    expect(server.requests[0]?.headers).toMatchObject({
      'user-agent': 'acme-shop/2',
      'x-api-version': '3',
      accept: 'text/csv',
    });
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  it.each([
    ['two bodies', { json: {}, text: 'canary' }],
    ['a circle as JSON', { json: { canary: circle } }],
    ['a function as JSON', { json: () => 'canary' }],
    ['a time limit of nothing', { timeoutMs: 0 }],
    ['a time limit that is no whole number', { timeoutMs: 1.5 }],
    ['an idempotency key with a line break', { idempotencyKey: 'canary\r\nx: y' }],
    ['an empty idempotency key', { idempotencyKey: '' }],
    ['a header twice', { headers: { 'x-a': 'canary', 'X-A': 'canary' } }],
    ['a header of the connection', { headers: { host: 'canary' } }],
    ['a header with a line break', { headers: { 'x-a': 'canary\r\nx: y' } }],
  ])('with %s is refused, and nothing is sent', async (_name, options) => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: server.origin });
    const failure = await failureOf(api.post('/x', options));
    expect(failure).toMatchObject({
      code: 'HTTP_REQUEST_INVALID',
      retryable: false,
      details: { mayHaveBeenSent: false },
    });
    expect(JSON.stringify(failure) + failure.stack).not.toContain('canary');
    expect(server.requests).toEqual([]);
  });

  it('is refused when the lease was given back', async () => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: server.origin });
    api.lease.release();
    expect((await failureOf(api.get('/x'))).code).toBe('LEASE_RELEASED');
    expect((await failureOf(() => api.egress)).code).toBe('LEASE_RELEASED');
    expect(server.requests).toEqual([]);
  });
});

describe('an answer', () => {
  it('can be read in every form, also when it is long', async () => {
    const long = JSON.stringify('x'.repeat(100_000));
    const server = await openServer((response, { url }) => reply(response, 200, url === '/long' ? long : '"short"'));
    const { api } = await openHttp({ baseUrl: server.origin });
    for (const [path, expected] of [
      ['/long', long],
      ['/short', '"short"'],
    ] as const) {
      expect(await (await api.get(path)).text()).toBe(expected);
      expect(new TextDecoder().decode(await (await api.get(path)).bytes())).toBe(expected);
      expect(await (await api.get(path)).json()).toBe(JSON.parse(expected));
      expect(await new Response((await api.get(path)).stream()).text()).toBe(expected);
    }
    expect(server.connections()).toBe(1);
  });

  it('of any status is given back, and expectOk makes an error of those from 400 on', async () => {
    const server = await openServer((response, { url }) =>
      reply(response, Number(url.slice(1, 4)), 'canary', { 'retry-after': '7' }),
    );
    const { api } = await openHttp({ baseUrl: server.origin, retry: { attempts: 1 } });
    const fine = await api.get('/299');
    expect(fine.expectOk()).toBe(fine);
    const missing = await api.get('/404?canary=1');
    expect([missing.status, missing.ok, await missing.text()]).toEqual([404, false, 'canary']);
    const failure = await failureOf(() => missing.expectOk());
    expect(failure).toMatchObject({ code: 'HTTP_STATUS_UNEXPECTED', retryable: false, retryAfterMs: undefined });
    expect(failure.details).toEqual({ method: 'GET', host: '127.0.0.1', status: 404, mayHaveBeenSent: true });
    expect(JSON.stringify(failure) + failure.message).not.toContain('canary');
    const busy = await failureOf(async () => (await api.get('/503')).expectOk());
    expect(busy).toMatchObject({ retryable: true, retryAfterMs: 7_000 });
    const posted = await failureOf(async () => (await api.post('/503')).expectOk());
    expect(posted).toMatchObject({ retryable: false, retryAfterMs: undefined });
  });

  it.each(['short', 'x'.repeat(100_000)])('that is not JSON is an error that does not quote it', async (text) => {
    const server = await openServer((response) => reply(response, 200, `canary ${text}`));
    const { api } = await openHttp({ baseUrl: server.origin });
    const failure = await failureOf((await api.get('/x')).json());
    expect(failure).toMatchObject({ code: 'HTTP_RESPONSE_INVALID', retryable: false });
    expect(failure.stack + String(failure.cause)).not.toContain('canary');
  });

  it.each([1_000, 200_000])('past maxBodyBytes is an error when it is read, not before (%d bytes)', async (length) => {
    const server = await openServer((response) => reply(response, 200, 'x'.repeat(length)));
    const { api } = await openHttp({ baseUrl: server.origin, maxBodyBytes: 999 });
    const answer = await api.get('/x');
    expect(answer.status).toBe(200);
    expect((await failureOf(answer.bytes())).code).toBe('HTTP_RESPONSE_INVALID');
  });

  it('of 10 MiB is read by default, and no more', async () => {
    const server = await openServer((response, { url }) =>
      reply(response, 200, Buffer.alloc(Number(url.slice(1))).toString('latin1')),
    );
    const { api } = await openHttp({ baseUrl: server.origin });
    expect((await (await api.get('/10485760')).bytes()).byteLength).toBe(10_485_760);
    expect((await failureOf((await api.get('/10485761')).bytes())).code).toBe('HTTP_RESPONSE_INVALID');
  });

  it('can be read once when it was not read at once', async () => {
    const server = await openServer((response) => reply(response, 200, 'x'.repeat(100_000)));
    const { api } = await openHttp({ baseUrl: server.origin });
    const answer = await api.get('/x');
    await answer.text();
    expect((await failureOf(answer.text())).code).toBe('HTTP_RESPONSE_INVALID');
    expect((await failureOf(() => answer.stream())).code).toBe('HTTP_RESPONSE_INVALID');
  });

  it.each([
    ['with its length', { 'content-length': '6' }],
    ['without its length', {}],
  ])('that is short, %s, leaves its connection to the next request, though nobody reads it', async (_name, headers) => {
    const server = await openServer((response) => reply(response, 200, 'unread', headers));
    const { api } = await openHttp({ baseUrl: server.origin, maxConnectionsPerHost: 1 });
    for (let index = 0; index < 3; index += 1) await api.post('/x');
    expect(server.connections()).toBe(1);
  });

  it('that is long frees its connection when it is discarded, by hand or at the end of its block', async () => {
    const server = await openServer((response) => reply(response, 200, 'x'.repeat(1_000_000)));
    const { api } = await openHttp({ baseUrl: server.origin, maxConnectionsPerHost: 1 });
    await (await api.get('/x')).discard();
    {
      await using answer = await api.get('/x');
      expect(answer.ok).toBe(true);
    }
    expect((await api.get('/x')).status).toBe(200);
  });

  it('comes as it is sent, and reading goes on where it was read ahead', async () => {
    const sent: ServerResponse[] = [];
    const server = await openServer((response) => {
      response.writeHead(200).write('first');
      sent.push(response);
    });
    const { api } = await openHttp({ baseUrl: server.origin });
    const reader = (await api.get('/x')).stream().getReader();
    const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
    expect(await read()).toBe('first');
    sent[0]?.write('second');
    expect(await read()).toBe('second');
    await reader.cancel();
    await until(() => server.abandoned() === 1);
  });

  it('that breaks off in its body is an error that says so', async () => {
    const server = await openServer((response) => {
      response.writeHead(200);
      response.write('x');
      setImmediate(() => response.destroy());
    });
    const { api } = await openHttp({ baseUrl: server.origin });
    const answer = await api.post('/x');
    expect(await failureOf(answer.text())).toMatchObject({
      code: 'HTTP_EXCHANGE_FAILED',
      retryable: false,
      details: { mayHaveBeenSent: true },
    });
    const streamed = (await api.post('/x')).stream().getReader();
    const read = async (): Promise<void> => {
      while (!(await streamed.read()).done);
    };
    expect((await failureOf(read())).code).toBe('HTTP_EXCHANGE_FAILED');
  });
});

describe('what is told of requests', () => {
  it('is method, host, status and time, and never a path, query, header, body or credential', async () => {
    const server = await openServer((response, { url }) =>
      url.includes('cut') ? response.destroy() : reply(response, 200, 'canary', { 'x-canary': 'canary' }),
    );
    const vault = openVault();
    vault.put('shop-key', 'basic', 'canary-password', { username: 'canary-user' });
    const { api, lines, resources } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' }, retry: { attempts: 1 } },
      { vault },
    );
    await api.post('/canary', { query: { canary: 'canary' }, headers: { 'x-canary': 'canary' }, text: 'canary' });
    const failures = [
      await failureOf(api.get('/canary-cut', { query: { canary: 1 } })),
      await failureOf(api.get('//canary')),
      await failureOf(api.get('/../canary')),
      await failureOf(api.request({ url: 'http://user:canary@127.0.0.1/' })),
      await failureOf(api.request({ url: 'canary' })),
    ];
    expect(lines.filter(({ message }) => message === 'a request was answered')[1]).toMatchObject({
      level: 'debug',
      fields: {
        resourceId: 'shop',
        tenantId: 'acme',
        method: 'POST',
        host: '127.0.0.1',
        status: 200,
        durationMs: 0,
        attempts: 1,
      },
    });
    expect(lines.findLast(({ fields }) => fields['code'] === 'HTTP_EXCHANGE_FAILED')).toMatchObject({
      level: 'warn',
      fields: {
        resourceId: 'shop',
        tenantId: 'acme',
        method: 'GET',
        host: '127.0.0.1',
        code: 'HTTP_EXCHANGE_FAILED',
        attempts: 1,
      },
    });
    const told = [lines, failures.map((failure) => [failure, failure.message, failure.stack, String(failure.cause)])];
    expect(JSON.stringify([told, resources.list()])).not.toContain('canary');
  });
});

describe('the signal and the deadline', () => {
  it('of the running context are those of a request that has none of its own', async () => {
    const server = await openServer(() => undefined);
    const { api } = await openHttp({ baseUrl: server.origin });
    const caller = new AbortController();
    const asking = runInContext({ tenant: 'acme', signal: caller.signal }, () => api.get('/x'));
    await until(() => server.requests.length === 1);
    caller.abort(new Error('gone'));
    const failure = await failureOf(asking);
    expect(failure).toMatchObject({ code: 'RESOURCE_CANCELLED', details: { mayHaveBeenSent: true } });
    await until(() => server.abandoned() === 1);
  });
});

describe('settings', () => {
  it.each([
    ['a base with a user', { baseUrl: 'https://canary:canary@a.example' }],
    ['a base with a query', { baseUrl: 'https://a.example/?canary' }],
    ['a base with a fragment', { baseUrl: 'https://a.example/#canary' }],
    ['a base of another scheme', { baseUrl: 'ftp://canary.example' }],
    ['a setting that is not known', { canary: 1 }],
    ['more redirects than egress follows', { maxRedirects: 11 }],
    ['no connections', { maxConnectionsPerHost: 0 }],
    ['no tries', { retry: { attempts: 0 } }],
    ['a budget past all', { retry: { budgetRatio: 1.1 } }],
    ['no failures', { circuitBreaker: { failures: 0 } }],
    ['a queue below nothing', { bulkhead: { queue: -1 } }],
    ['no origins', { maxOrigins: 0 }],
    ['a header with a line break', { headers: { 'x-a': 'canary\n' } }],
  ])('with %s are refused when they are registered, without being quoted', async (_name, settings) => {
    const token = http('shop');
    const resources = createResources();
    const failure = await failureOf(() => resources.register(token, { config: settings as object }));
    expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    expect(JSON.stringify(failure)).not.toContain('canary.');
    expect(JSON.stringify(failure)).not.toContain('canary:');
  });

  it.each([
    ['a credential and no base', { credentials: { authorization: 'key' } }],
    ['a credential as a plain header', { headers: { Authorization: 'canary' } }],
    ['a header that is none', { headers: { 'x y': 'canary' } }],
    ['a cookie as a plain header', { headers: { cookie: 'canary' } }],
    ['a policy that cannot be read', { policy: { allowPrivate: ['10.0.0.0/1'] } }],
  ])('with %s are refused when they are defined', async (_name, options) => {
    const failure = await failureOf(() => http('shop', options));
    expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    expect(failure.message).not.toContain('canary');
  });

  it('that only a registration brings are checked, too, when the client is made', async () => {
    const { resources, token } = await openHttp();
    resources.register(token, { scope: { tenant: 'other' }, config: { headers: { cookie: 'canary' } } });
    const failure = await failureOf(runAs({ tenant: 'other' }, () => resources.acquire(token)));
    expect(JSON.stringify([failure, String(failure.cause)])).toContain('no plain header');
  });

  it('are of version 1.0.0, unless the definition says otherwise', () => {
    expect([http('a').version, http('a', { version: '2.1.0' }).version]).toEqual(['1.0.0', '2.1.0']);
  });
});
