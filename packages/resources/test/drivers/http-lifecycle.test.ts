import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, metrics, propagation, trace, type Attributes } from '@opentelemetry/api';
import { runAs, runInContext } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { inTenant, settle } from '../support/open-resources.ts';
import { closeLater, openHttp, openServer, openVault, reply, until } from './open-http.ts';

afterEach(() => {
  trace.disable();
  metrics.disable();
  propagation.disable();
});

describe('connections', () => {
  it('are kept for the next request, 90 seconds by default', async () => {
    const server = await openServer((response, { method }) => reply(response, method === 'PUT' ? 204 : 200));
    const { api, clock } = await openHttp({ baseUrl: server.origin });
    for (const method of ['get', 'put', 'post', 'get'] as const) {
      await api[method]('/x');
      await until(() => api.egress.stats().idle === 1);
    }
    expect(server.connections()).toBe(1);
    await clock.advance(89_999);
    expect(server.open()).toBe(1);
    await clock.advance(1);
    await until(() => server.open() === 0);
  });

  it.each([
    ['204', 'get', 204, {}],
    ['304', 'get', 304, {}],
    ['a length of 0', 'put', 200, { 'content-length': '0' }],
    ['HEAD', 'head', 200, {}],
    ['HEAD that tells a length', 'head', 200, { 'content-length': '100000' }],
  ] as const)(
    'take the next request at once after an answer without a body: %s',
    async (_name, method, status, headers) => {
      const server = await openServer((response) => reply(response, status, '', headers));
      const { api } = await openHttp({ baseUrl: server.origin });
      for (let count = 0; count < 10; count += 1) await api[method]('/x');
      for (let count = 0; count < 10; count += 1) expect(await (await api[method]('/x')).text()).toBe('');
      expect(server.requests).toHaveLength(20);
      expect(server.connections()).toBe(1);
    },
  );

  it('take the next request at once after a body that was read', async () => {
    const server = await openServer((response) => response.end('x'.repeat(200_000)));
    const { api } = await openHttp({ baseUrl: server.origin });
    for (let count = 0; count < 10; count += 1) await (await api.get('/x')).text();
    expect(server.connections()).toBe(1);
  });

  it('are kept as long as keepAliveMs says, and not at all with 0', async () => {
    const server = await openServer();
    const short = await openHttp({ baseUrl: server.origin, keepAliveMs: 10 });
    await short.api.get('/x');
    await until(() => short.api.egress.stats().idle === 1);
    await short.clock.advance(10);
    await until(() => server.open() === 0);
    const none = await openHttp({ baseUrl: server.origin, keepAliveMs: 0 });
    await none.api.get('/x');
    await until(() => server.open() === 0);
    expect(server.connections()).toBe(2);
  });

  it('are all kept, also where there may be many', async () => {
    const held: ServerResponse[] = [];
    const server = await openServer((response) => void held.push(response));
    const { api } = await openHttp({ baseUrl: server.origin, maxConnectionsPerHost: 120 });
    const asking = Array.from({ length: 120 }, () => api.get('/x'));
    await until(() => held.length === 120);
    held.forEach((response) => response.end());
    await Promise.all(asking);
    await until(() => api.egress.stats().idle === 120);
    expect(server.open()).toBe(120);
  });

  it('and clients belong to one tenant', async () => {
    const server = await openServer();
    const { resources, token } = await openHttp({ baseUrl: server.origin });
    const faces = [];
    for (const tenant of ['one', 'two', 'one']) faces.push(await inTenant(tenant, () => resources.acquire(token)));
    for (const api of faces) {
      await api.get('/x');
      await until(() => api.egress.stats().idle === 1);
    }
    expect(server.connections()).toBe(2);
    expect(faces[0]?.egress).toBe(faces[2]?.egress);
    expect(faces[0]?.egress).not.toBe(faces[1]?.egress);
  });

  it('belong to everybody where the definition says so', async () => {
    const { resources, token } = await openHttp({ isolation: 'none' });
    const [one, two] = await Promise.all(
      ['one', 'two'].map((tenant) => inTenant(tenant, () => resources.acquire(token))),
    );
    expect(one?.egress).toBe(two?.egress);
  });
});

describe('TLS', () => {
  it('trusts the authorities of the settings alone, and speaks no older version than they say', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-http-'));
    closeLater(async () => rmSync(folder, { recursive: true, force: true }));
    const [keyFile, certFile] = [join(folder, 'key'), join(folder, 'crt')];
    const subject = ['-subj', '/CN=tenon', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const files = ['-keyout', keyFile, '-out', certFile];
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
    if (made.status !== 0) test.skip('openssl cannot make a certificate here');
    const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')];
    const server = createTlsServer(
      { key, cert, maxVersion: 'TLSv1.2' },
      (_request, response) => void response.end('ok'),
    );
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeLater(async () => {
      server.close();
      server.closeAllConnections();
    });
    const baseUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = async (tls: object) => (await openHttp({ baseUrl, retry: { attempts: 1 }, ...tls })).api.get('/x');
    expect((await ask({ tls: { ca: cert } })).status).toBe(200);
    expect((await ask({ tls: { ca: [cert], minVersion: 'TLSv1.2' } })).status).toBe(200);
    expect((await failureOf(ask({}))).code).toBe('HTTP_UNREACHABLE');
    expect((await failureOf(ask({ tls: { ca: cert, minVersion: 'TLSv1.3' } }))).code).toBe('HTTP_UNREACHABLE');
  });
});

describe('a credential that is rotated', () => {
  it('under load fails no request, and the old one is not seen after the rotation is acknowledged', async () => {
    const seen: { key: string | undefined; acknowledged: number }[] = [];
    let acknowledged = 1;
    const server = await openServer((response, { headers }) => {
      seen.push({ key: headers['x-api-key'] as string, acknowledged });
      setImmediate(() => reply(response, 200, 'ok'));
    });
    const vault = openVault();
    vault.put('shop-key', 'api-key', 'key-1');
    const { api, resources } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' }, maxConnectionsPerHost: 4 },
      { vault },
    );
    const { egress } = api;
    const load = { isOver: false };
    let done = 0;
    const work = async (): Promise<void> => {
      while (!load.isOver) {
        expect((await api.get('/x')).status).toBe(200);
        done += 1;
      }
    };
    const workers = Array.from({ length: 16 }, work);
    for (let version = 2; version <= 6; version += 1) {
      const target = done + 100;
      await until(() => done >= target);
      vault.put('shop-key', 'api-key', `key-${version}`);
      await inTenant('acme', () => resources.credentialChanged({ id: 'shop-key', change: 'rotated' }));
      acknowledged = version;
    }
    const target = done + 100;
    await until(() => done >= target);
    load.isOver = true;
    await Promise.all(workers);
    expect(seen.filter(({ key, acknowledged: since }) => Number(key?.slice(4)) < since)).toEqual([]);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(6);
    expect(api.egress).toBe(egress);
    expect(server.connections()).toBeLessThanOrEqual(4);
  });

  it('is acknowledged only when no request that carries the old one is under way', async () => {
    const held: ServerResponse[] = [];
    const server = await openServer((response) => void held.push(response));
    const vault = openVault();
    vault.put('shop-key', 'bearer', 'one');
    const { api, resources } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' } },
      { vault },
    );
    const asking = api.get('/x');
    await until(() => held.length === 1);
    vault.put('shop-key', 'bearer', 'two');
    let isAcknowledged = false;
    const rotating = inTenant('acme', () => resources.credentialChanged({ id: 'shop-key', change: 'rotated' })).then(
      () => void (isAcknowledged = true),
    );
    await settle();
    const next = api.get('/x');
    await until(() => held.length === 2);
    expect(server.requests[1]?.headers.authorization).toBe('Bearer two');
    expect(isAcknowledged).toBe(false);
    held.forEach((response) => response.end());
    await Promise.all([rotating, asking, next]);
    expect(isAcknowledged).toBe(true);
  });

  it('is the one of a retry that begins after it', async () => {
    const server = await openServer((response, _request, index) => reply(response, index === 0 ? 503 : 200));
    const vault = openVault();
    vault.put('shop-key', 'bearer', 'one');
    const { api, clock, lines, resources } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' } },
      { vault },
    );
    const asking = api.get('/x');
    await until(() => lines.length === 1);
    vault.put('shop-key', 'bearer', 'two');
    await inTenant('acme', () => resources.credentialChanged({ id: 'shop-key', change: 'rotated' }));
    await clock.advance(100);
    expect((await asking).status).toBe(200);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two']);
  });

  it('but does not pass the check stays outside, and the old one goes on', async () => {
    const server = await openServer((response, { headers }) =>
      reply(response, headers.authorization === 'Bearer good' ? 200 : 401),
    );
    const vault = openVault();
    vault.put('shop-key', 'bearer', 'good');
    const { api, resources } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' }, check: '/health' },
      { vault },
    );
    for (const bad of ['bad', 'not\nsendable']) {
      vault.put('shop-key', 'bearer', bad);
      await inTenant('acme', () => resources.credentialChanged({ id: 'shop-key', change: 'rotated' }));
      expect((await api.get('/x')).status).toBe(200);
    }
  });

  it('and is revoked ends every request at once, and nothing is sent any more', async () => {
    const server = await openServer((response, { url }) => {
      if (url === '/reading') response.writeHead(200).write('part');
      if (url === '/again') reply(response, 503);
    });
    const vault = openVault();
    vault.put('shop-key', 'bearer', 'one');
    const { api, lines, resources } = await openHttp(
      { baseUrl: server.origin, credentials: { authorization: 'shop-key' } },
      { vault },
    );
    const reading = failureOf((await api.get('/reading')).text());
    const asking = failureOf(api.post('/x'));
    const waiting = failureOf(api.get('/again'));
    await until(() => server.requests.length === 3 && lines.length === 3);
    vault.remove('shop-key');
    const revoking = inTenant('acme', () => resources.credentialChanged({ id: 'shop-key', change: 'revoked' }));
    expect((await failureOf(api.get('/x'))).code).toBe('RESOURCE_REVOKED');
    await revoking;
    for (const failure of await Promise.all([reading, asking, waiting])) {
      expect(failure).toMatchObject({ code: 'RESOURCE_REVOKED', details: { mayHaveBeenSent: true } });
    }
    expect((await asking).retryable).toBe(false);
    await until(() => server.abandoned() === 2);
    expect(server.requests).toHaveLength(3);
  });
});

describe('the end', () => {
  it('waits for the requests of borrowers, refuses new ones, and leaves nothing open', async () => {
    const held: ServerResponse[] = [];
    const server = await openServer((response) => void held.push(response));
    const { api, clock, resources } = await openHttp({ baseUrl: server.origin });
    const { egress } = api;
    const asking = Promise.all(Array.from({ length: 20 }, () => api.get('/x').then((answer) => answer.text())));
    await until(() => held.length === 20);
    const closing = resources.close();
    expect(
      (await failureOf(inTenant('acme', async () => resources.acquire(resources.named('shop') as never)))).code,
    ).toBe('RESOURCES_CLOSED');
    held.forEach((response) => response.end('done'));
    expect(new Set(await asking)).toEqual(new Set(['done']));
    await api[Symbol.asyncDispose]();
    expect(await closing).toMatchObject({ forced: 0, left: 0 });
    await until(() => server.open() === 0);
    expect(egress.stats()).toEqual({ requests: 0, connections: 0, idle: 0, waiting: 0 });
    // The time limit of requests has one timer, which is left to run out.
    await clock.advance(30_000);
    expect(clock.pending()).toBe(0);
  });

  it('ends by force what does not come to an end in time', async () => {
    const server = await openServer(() => undefined);
    const { api, clock, resources } = await openHttp({ baseUrl: server.origin });
    const { egress } = api;
    const asking = failureOf(api.post('/x'));
    await until(() => server.requests.length === 1);
    const closing = resources.close({ timeoutMs: 1_000 });
    await clock.advance(1_000);
    expect(await asking).toMatchObject({ code: 'POOL_CLOSED', retryable: false, details: { mayHaveBeenSent: true } });
    expect(await closing).toMatchObject({ forced: 1 });
    await until(() => server.open() === 0 && server.abandoned() === 1);
    expect(egress.stats()).toEqual({ requests: 0, connections: 0, idle: 0, waiting: 0 });
  });

  it('lets an answer be read whose lease was given back, and stops retries of its request', async () => {
    const held: ServerResponse[] = [];
    const server = await openServer((response, { url }) => {
      if (url === '/again') return reply(response, 503);
      response.writeHead(200).write('first ');
      held.push(response);
    });
    const { api, clock, lines } = await openHttp({ baseUrl: server.origin });
    const answer = await api.get('/x');
    const again = failureOf(api.get('/again'));
    await until(() => lines.length === 3);
    await api[Symbol.asyncDispose]();
    held[0]?.end('second');
    expect(await answer.text()).toBe('first second');
    await clock.advance(100);
    expect(await again).toMatchObject({ code: 'LEASE_RELEASED' });
    expect(server.requests).toHaveLength(2);
  });
});

describe('the check', () => {
  it.each([
    [200, 'healthy'],
    [302, 'healthy'],
    [429, 'degraded'],
    [404, 'unhealthy'],
    [500, 'unhealthy'],
  ])('takes %d for %s, and asks with the credential', async (status, expected) => {
    const server = await openServer((response) => reply(response, status));
    const vault = openVault();
    vault.put('shop-key', 'bearer', 'one');
    const { resources } = await openHttp(
      { baseUrl: `${server.origin}/v1`, credentials: { authorization: 'shop-key' }, check: '/health' },
      { vault },
    );
    const [seen] = await inTenant('acme', () => resources.check());
    expect(seen?.health.status).toBe(expected);
    expect(server.requests).toMatchObject([
      { method: 'GET', url: '/v1/health', headers: { authorization: 'Bearer one' } },
    ]);
  });

  it('is made as often as the settings of health say, and not at all without a path', async () => {
    const server = await openServer();
    const watched = await openHttp({ baseUrl: server.origin, check: '/health', health: { intervalMs: 500 } });
    const unwatched = await openHttp({ baseUrl: server.origin });
    await unwatched.clock.advance(60_000);
    expect(await inTenant('acme', () => unwatched.resources.check())).toEqual([]);
    expect(server.requests).toEqual([]);
    await watched.clock.advance(600);
    await until(() => server.requests.length === 1);
  });
});

/** As much of an SDK as is used: it keeps what it is told. */
function record(): {
  spans: { name: string; attributes: Attributes }[];
  values: { name: string; attributes: Attributes }[];
} {
  const told: ReturnType<typeof record> = { spans: [], values: [] };
  const tracer = {
    startActiveSpan(name: string, options: { attributes: Attributes }, work: (span: object) => unknown) {
      const attributes = { ...options.attributes };
      told.spans.push({ name, attributes });
      const setAttribute = (key: string, value: string) => Object.assign(attributes, { [key]: value });
      return work({ setAttribute, setStatus: () => undefined, end: () => undefined });
    },
  };
  const create = (name: string) => {
    const keep = (_value: number, attributes: Attributes) => void told.values.push({ name, attributes });
    return { add: keep, record: keep, addCallback: () => undefined, removeCallback: () => undefined };
  };
  const meter = { createCounter: create, createHistogram: create, createObservableGauge: create };
  trace.setGlobalTracerProvider({ getTracer: () => tracer } as never);
  metrics.setGlobalMeterProvider({ getMeter: () => meter } as never);
  return told;
}

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('traces and metrics', () => {
  it('name the resource, the method and the status, and a host only when it is that of the base', async () => {
    const told = record();
    const server = await openServer((response, _request, index) => reply(response, index === 0 ? 503 : 201));
    const { api, clock, lines } = await openHttp({ baseUrl: server.origin });
    const asking = api.get('/secret?secret=1');
    await until(() => lines.length === 1);
    await clock.advance(100);
    await asking;
    await api.request({ url: `http://other.example:${server.port}/secret`, method: 'PROPFIND' });
    const own = told.spans.filter(({ name }) => name === 'resources.http.request').map(({ attributes }) => attributes);
    expect(own).toEqual([
      {
        'tenon.resource': 'shop',
        'http.request.method': 'GET',
        'server.address': '127.0.0.1',
        'http.response.status_code': 201,
        'http.request.resend_count': 1,
      },
      {
        'tenon.resource': 'shop',
        'http.request.method': '_OTHER',
        'http.response.status_code': 201,
        'http.request.resend_count': 0,
      },
    ]);
    const measured = told.values.filter(({ name }) => name === 'resource_http_request_duration_seconds');
    expect(measured.map(({ attributes }) => attributes)).toEqual([
      { resource: 'shop', method: 'GET', result: '2xx' },
      { resource: 'shop', method: '_OTHER', result: '2xx' },
    ]);
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it.each([
    [undefined, [PARENT, undefined]],
    ['always', [PARENT, PARENT]],
    ['never', [undefined, undefined]],
  ] as const)('go on at the other side, with traceparent: %s', async (traceparent, expected) => {
    propagation.setGlobalPropagator({
      inject: (_context, carrier, setter) => {
        setter.set(carrier, 'traceparent', PARENT);
        setter.set(carrier, 'tracestate', 'acme=1');
        setter.set(carrier, 'baggage', 'secret=1');
      },
      extract: () => context.active(),
      fields: () => [],
    });
    const elsewhere = await openServer();
    const server = await openServer((response, { url }) =>
      url === '/away' ? reply(response, 302, '', { location: `${elsewhere.origin}/away` }) : reply(response, 200),
    );
    const setting = traceparent === undefined ? {} : { traceparent };
    const { api } = await openHttp({ baseUrl: server.origin, ...setting });
    await api.get('/away');
    await api.request({ url: `${elsewhere.origin}/direct` });
    const [own, other] = expected;
    expect(server.requests[0]?.headers).toMatchObject(
      own === undefined ? {} : { traceparent: own, tracestate: 'acme=1' },
    );
    expect(server.requests.map(({ headers }) => headers['traceparent'])).toEqual([own]);
    expect(elsewhere.requests.map(({ headers }) => headers['traceparent'])).toEqual([other, other]);
    expect(JSON.stringify([server.requests, elsewhere.requests])).not.toContain('baggage');
  });

  it('go on with the trace of the context where the application has no propagator', async () => {
    const server = await openServer();
    const { api } = await openHttp({ baseUrl: server.origin });
    await runInContext({ tenant: 'acme', traceparent: PARENT }, () => api.get('/x'));
    await runAs({ tenant: 'acme' }, () => api.get('/x'));
    expect(server.requests.map(({ headers }) => headers['traceparent'])).toEqual([PARENT, undefined]);
  });
});
