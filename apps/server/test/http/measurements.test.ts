import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isUuid, newId, runAs } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { createResources } from '@tenon/resources';
import { http } from '@tenon/resources/drivers/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Answer } from '../support/client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { createProduct, productBody } from '../support/samples.ts';
import { startTestServer, type LogLine, type TestServer } from '../support/test-server.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the Prometheus text format. */
function samplesOf(text: string): readonly Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)/i.exec(line) ?? [];
      expect(name, line).not.toBe('');
      return {
        name,
        labels: Object.fromEntries(
          [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((match) => [match[1], match[2]]),
        ),
        value: Number(value),
      };
    });
}

describe.each(describeDrivers())('what the server tells of itself, on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  const read = async (): Promise<readonly Sample[]> => {
    const answer = await server.anybody.get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    return samplesOf(answer.text);
  };

  const lineOf = async (answer: Answer): Promise<LogLine> => {
    const requestId = answer.headers.get('x-request-id');
    const find = () => server.log.find((line) => line.msg === 'request' && line['requestId'] === requestId);
    await expect.poll(find).toBeDefined();
    return find() as LogLine;
  };

  describe('in numbers', () => {
    it('counts requests by method, route pattern and status, and how long they took', async () => {
      const { owner } = await server.newTenant();
      const count = async (): Promise<number> =>
        (await read()).find(
          ({ name, labels }) =>
            name === 'http_server_request_duration_count' &&
            labels['http_request_method'] === 'GET' &&
            labels['http_route'] === '/v1/products/:id' &&
            labels['http_response_status_code'] === '404',
        )?.value ?? 0;
      const before = await count();
      for (let round = 0; round < 3; round += 1) await owner.get(`/v1/products/${newId()}`);
      await expect.poll(count).toBe(before + 3);
      const samples = await read();
      const buckets = samples.filter(
        ({ name, labels }) =>
          name === 'http_server_request_duration_bucket' && labels['http_route'] === '/v1/products/:id',
      );
      expect(buckets.length).toBeGreaterThan(5);
      // A scale for seconds: with the usual one for milliseconds, all requests would fall into the first.
      expect(buckets.filter(({ labels }) => Number(labels['le']) < 1).length).toBeGreaterThan(5);
    });

    it('never by an address, which anybody can make up', async () => {
      const { owner } = await server.newTenant();
      const made = `made-up-${newId()}`;
      await owner.get(`/v1/products/${made}?name=${made}`);
      await server.anybody.get(`/${made}`);
      await server.anybody.send('PROPFIND', `/${made}`);
      await server.anybody.get('/%zz');
      const answer = await server.anybody.get('/metrics');
      expect(answer.text).not.toContain(made);
      expect(answer.text).not.toContain(owner.tenantId);
      expect(answer.text).not.toContain(owner.accountId);
      const routes = new Set(samplesOf(answer.text).map(({ labels }) => labels['http_route']));
      expect(routes.has('unknown')).toBe(true);
    });

    it('shows connections of the database, memory, and the delay of the event loop', async () => {
      await server.newTenant();
      const samples = await read();
      const value = (name: string): number | undefined => samples.find((sample) => sample.name === name)?.value;
      expect(value('tenon_database_connections_open')).toBeGreaterThanOrEqual(1);
      expect(value('tenon_database_connections_idle')).toBeGreaterThanOrEqual(0);
      expect(value('tenon_database_connections_waiting')).toBe(0);
      expect(value('process_memory_resident')).toBeGreaterThan(10_000_000);
      expect(value('process_memory_heap')).toBeGreaterThan(1_000_000);
      expect(value('process_event_loop_delay_p99')).toBeGreaterThanOrEqual(0);
    });

    it('shows the calls of all guards of one name together, of whichever tenant they are', async () => {
      const held: ServerResponse[] = [];
      const upstream = createServer((_request, response) => void held.push(response));
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
      const api = http('held-api', {
        baseUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        policy: { allowPrivate: ['127.0.0.0/8'] },
      });
      await using resources = createResources({ define: [api] });
      const ask = (tenant: string) => runAs({ tenant }, () => resources.use(api, (face) => face.get('/')));
      const running = async () =>
        (await read())
          .filter(({ name, labels }) => name === 'resilience_bulkhead_running' && labels['dependency'] === 'held-api')
          .map(({ value }) => value);
      const asking = [ask('acme'), ask('bravo'), ask('bravo')];
      await expect.poll(() => held.length).toBe(3);
      expect(await running()).toEqual([3]);
      held.forEach((response) => response.end());
      await Promise.all(asking);
      expect(await running()).toEqual([0]);
      upstream.close();
    });

    it('counts security events by their kind', async () => {
      const count = async (): Promise<number> =>
        (await read()).find(
          ({ name, labels }) =>
            name === 'tenon_security_events_total' && labels['tenon_event'] === 'tenant.cross-access',
        )?.value ?? 0;
      const before = await count();
      const [mine, theirs] = [await server.newTenant(), await server.newTenant()];
      const { id } = await createProduct(theirs.owner);
      await mine.owner.get(`/v1/products/${id}`);
      await expect.poll(count).toBe(before + 1);
    });
  });

  describe('in the log', () => {
    it('is one line for each request, with who, where, what and how long', async () => {
      const { owner, id } = await server.newTenant();
      const answer = await owner.post('/v1/products', productBody());
      expect(await lineOf(answer)).toEqual({
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        msg: 'request',
        requestId: answer.headers.get('x-request-id'),
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        tenantId: id,
        userId: owner.accountId,
        method: 'POST',
        route: '/v1/products',
        status: 201,
        durationMs: expect.any(Number),
      });
      expect(server.log.filter((line) => line['requestId'] === answer.headers.get('x-request-id'))).toHaveLength(1);
    });

    it('names no query, no body and no credentials', async () => {
      const { owner } = await server.newTenant();
      const planted = `planted-${newId()}`;
      await owner.get(`/v1/products?name=${planted}`);
      await owner.post('/v1/products', productBody({ name: planted }));
      await owner.post('/auth/login', { email: `${planted}@example.com`, password: planted });
      await server.anybody.get('/v1/products', { authorization: `Bearer ${planted}`, cookie: `a=${planted}` });
      await lineOf(await server.anybody.get(`/nothing/${planted}`));
      const log = JSON.stringify(server.log);
      expect(log).not.toContain(planted);
      expect(log).not.toContain(owner.accessToken);
      expect(log).not.toContain(owner.refreshToken);
    });

    it('cannot be written into by a request', async () => {
      const answer = await server.anybody.get('/nothing%0a{"level":"error"}', {
        'x-request-id': 'x"}\\n{"level":"fatal"',
        'user-agent': '"}{"',
      });
      const line = await lineOf(answer);
      expect(line).toMatchObject({ level: 'info', status: 404, route: 'unknown' });
      expect(server.log.some(({ level }) => level === 'fatal')).toBe(false);
    });
  });

  describe('by ids of requests', () => {
    it.each([
      ['a UUID', '01890a5d-ac96-774b-bcce-b302099a8057'],
      ['a UUID of another version', 'f81d4fae-7dec-41d0-a765-00a0c91e6bf6'],
      ['a ULID', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ])('takes over %s', async (_, id) => {
      const answer = await server.anybody.get('/v1/products', { 'x-request-id': id });
      expect(answer.headers.get('x-request-id')).toBe(id);
      expect(problemOf(answer).requestId).toBe(id);
      expect((await lineOf(answer))['requestId']).toBe(id);
    });

    it.each(['1', 'x'.repeat(5_000), '01ARZ3NDEKTSV4RRFFQ69G5FAU!', '81ARZ3NDEKTSV4RRFFQ69G5FAV', '<script>', 'a, b'])(
      'replaces %j',
      async (id) => {
        const answer = await server.anybody.get('/v1/products', { 'x-request-id': id });
        const given = answer.headers.get('x-request-id') ?? '';
        expect(given).not.toBe(id);
        expect(isUuid(given)).toBe(true);
        expectProblem(answer, 401, 'SIGN_IN_REQUIRED');
      },
    );

    it('gives each request one of its own, good answers too', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => server.anybody.get('/healthz')));
      const ids = answers.map(({ headers }) => headers.get('x-request-id') ?? '');
      expect(new Set(ids).size).toBe(20);
      expect(ids.every(isUuid)).toBe(true);
    });
  });

  describe('by traces', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';

    it('continues the one that a request comes with', async () => {
      const answer = await server.anybody.get('/healthz', { traceparent: `00-${trace}-b7ad6b7169203331-01` });
      expect((await lineOf(answer))['traceId']).toBe(trace);
    });

    it.each([
      `00-${trace}-b7ad6b7169203331`,
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `ff-${trace}-b7ad6b7169203331-01`,
      `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
      'nonsense',
    ])('begins another in place of %s', async (traceparent) => {
      const answer = await server.anybody.get('/healthz', { traceparent });
      const { traceId } = await lineOf(answer);
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(traceId).not.toBe(trace);
    });
  });
});

describe('metrics', () => {
  it('with a token are shown to whoever has it, and to nobody else', async () => {
    const token = 'a-token-for-prometheus';
    const server = await startTestServer('pglite', { environment: { TENON_METRICS_TOKEN: token } });
    try {
      const ask = (authorization?: string) =>
        server.anybody.get('/metrics', authorization === undefined ? {} : { authorization });
      expect((await ask(`Bearer ${token}`)).status).toBe(200);
      const { owner } = await server.newTenant();
      for (const given of [undefined, 'Bearer ', `Bearer ${token}x`, `Basic ${token}`, `Bearer ${owner.accessToken}`]) {
        const answer = await ask(given);
        expectProblem(answer, 401, 'SIGN_IN_REQUIRED');
        expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tenon"');
      }
    } finally {
      await server.stop();
    }
  });

  it('without one are shown to this machine, and not through a proxy to others', async () => {
    const server = await startTestServer('pglite', { environment: { TENON_TRUSTED_PROXIES: '127.0.0.1' } });
    try {
      for (const [address, status] of [
        ['127.0.0.1', 200],
        ['127.8.7.6', 200],
        ['::1', 200],
        ['::ffff:127.0.0.1', 200],
        ['203.0.113.9', 403],
        ['127.0.0.1.example.com', 403],
        ['2001:db8::1', 403],
        ['10.0.0.1', 403],
      ] as const) {
        const answer = await server.anybody.get('/metrics', { 'x-forwarded-for': address });
        expect(answer.status, address).toBe(status);
      }
      expectProblem(await server.anybody.get('/metrics', { 'x-forwarded-for': '10.0.0.1' }), 403, 'PERMISSION_DENIED');
    } finally {
      await server.stop();
    }
  });
});
