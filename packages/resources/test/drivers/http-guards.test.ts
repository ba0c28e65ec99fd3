import type { ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { failureOf } from '@tenon/core/testing';
import { describe, expect, it } from 'vitest';
import {
  atOnce,
  closeLater,
  openHttp,
  openServer,
  reply,
  until,
  type LoopbackServer,
  type SeenRequest,
} from './open-http.ts';

type Answer = (response: ServerResponse, request: SeenRequest, index: number) => void;

/** Fails in a way so often, and answers then. */
const failing =
  (times: number, fail: Answer): Answer =>
  (response, request, index) =>
    index < times ? fail(response, request, index) : reply(response, 200, 'at last');

/** A port of loopback that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const immediately = { initialDelayMs: 0 };

describe('a try that fails', () => {
  const cut: Answer = (response) => response.destroy();
  const status =
    (code: number): Answer =>
    (response) =>
      reply(response, code, 'no');
  const body: Answer = (response) => {
    response.writeHead(200, { 'content-length': '5' }).write('ab');
    setImmediate(() => response.destroy());
  };
  const hang: Answer = () => undefined;
  const failures = {
    cut,
    body,
    hang,
    429: status(429),
    502: status(502),
    503: status(503),
    504: status(504),
    500: status(500),
    404: status(404),
  };
  const isRepeated = (method: string, failure: string): boolean =>
    failure !== '500' && failure !== '404' && method !== 'POST' && method !== 'PATCH';
  const table = [
    'GET',
    'HEAD',
    'PUT',
    'DELETE',
    'OPTIONS',
    'POST',
    'PATCH',
    'POST with a key',
    'PATCH with a key',
  ].flatMap((how) => Object.keys(failures).map((failure) => [how, failure, isRepeated(how, failure)] as const));

  it.each(table.filter(([how, failure]) => !(how === 'HEAD' && failure === 'body')))(
    'of %s by %s: tried again: %s',
    async (how, failure, repeated) => {
      const server = await openServer(failing(1, failures[failure as keyof typeof failures]));
      const { api, clock } = await openHttp({ baseUrl: server.origin, retry: immediately });
      const [method = ''] = how.split(' ');
      const key = how.endsWith('key') ? { idempotencyKey: 'order-7' } : {};
      const asking = api.request({ path: '/x', method, ...key }).then(
        (answer) => answer.status,
        (error: { code: string }) => error.code,
      );
      await until(() => server.requests.length === 1);
      if (failure === 'hang') await clock.advance(15_000);
      const outcome = await atOnce(clock, asking);
      expect(server.requests.length).toBe(repeated ? 2 : 1);
      expect(outcome === 200).toBe(repeated);
      const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
      expect(new Set(keys)).toEqual(new Set([how.endsWith('key') ? 'order-7' : undefined]));
    },
  );

  it.each(['GET', 'POST', 'PATCH'])('of %s without being sent is tried again, whatever the method', async (method) => {
    const port = await closedPort();
    const options = { baseUrl: `http://127.0.0.1:${port}`, retry: { attempts: 3, ...immediately } };
    const { api, clock, lines } = await openHttp(options);
    const failure = await failureOf(atOnce(clock, api.request({ path: '/x', method })));
    expect(lines.at(-1)?.fields['attempts']).toBe(3);
    expect(failure).toMatchObject({ code: 'HTTP_UNREACHABLE', retryable: true, details: { mayHaveBeenSent: false } });
  });

  it('without being sent is sent once the server is there, also with a stream of which nothing was read', async () => {
    const port = await closedPort();
    const { api, clock, lines } = await openHttp({
      baseUrl: `http://127.0.0.1:${port}`,
      retry: { initialDelayMs: 1_000 },
    });
    let readings = 0;
    const stream = {
      async *[Symbol.asyncIterator]() {
        readings += 1;
        yield 'part';
      },
    };
    const posting = api.post('/x', { stream });
    await until(() => lines.length === 1);
    const server = await openServer(undefined, port);
    await clock.advance(500);
    expect((await posting).status).toBe(200);
    expect([readings, server.requests[0]?.body]).toEqual([1, 'part']);
  });

  it('after its stream was read is not tried again, even where the method would allow it', async () => {
    const server = await openServer(failing(1, cut));
    const { api } = await openHttp({ baseUrl: server.origin, retry: immediately });
    const stream = (async function* one() {
      yield 'part';
    })();
    const failure = await failureOf(api.put('/x', { stream, idempotencyKey: 'a' }));
    expect(failure).toMatchObject({ code: 'HTTP_EXCHANGE_FAILED', details: { mayHaveBeenSent: true } });
    expect(server.requests).toHaveLength(1);
  });

  it('says whether any try may have been seen, and is retryable only where a repeat does no harm', async () => {
    const server = await openServer(cut);
    const { api, clock } = await openHttp({
      baseUrl: server.origin,
      retry: { attempts: 2, ...immediately },
      circuitBreaker: { failures: 100 },
    });
    const got = await failureOf(atOnce(clock, api.get('/x')));
    expect(got).toMatchObject({ code: 'HTTP_EXCHANGE_FAILED', retryable: true, details: { mayHaveBeenSent: true } });
    expect(await failureOf(api.post('/x'))).toMatchObject({ retryable: false, details: { mayHaveBeenSent: true } });
    expect(await failureOf(atOnce(clock, api.post('/x', { idempotencyKey: 'a' })))).toMatchObject({ retryable: true });
    await server.close();
    expect(await failureOf(atOnce(clock, api.post('/x')))).toMatchObject({
      code: 'HTTP_UNREACHABLE',
      retryable: true,
      details: { mayHaveBeenSent: false, method: 'POST', host: '127.0.0.1' },
    });
  });

  it('was seen, when a later try could not be sent', async () => {
    const port = await closedPort();
    const server = await openServer((response) => {
      response.destroy();
      void server.close();
    }, port);
    const { api, clock } = await openHttp({ baseUrl: server.origin, retry: { attempts: 2, ...immediately } });
    const failure = await failureOf(atOnce(clock, api.get('/x')));
    expect(failure).toMatchObject({ code: 'HTTP_UNREACHABLE', details: { mayHaveBeenSent: true } });
  });
});

describe('retries', () => {
  it.each([
    ['seconds', '7'],
    ['a date', new Date(Date.UTC(2026, 0, 1, 0, 0, 7)).toUTCString()],
  ])('wait at least as long as Retry-After asks for in %s', async (_name, header) => {
    const server = await openServer(failing(1, (response) => reply(response, 429, '', { 'retry-after': header })));
    const { api, clock, lines } = await openHttp({ baseUrl: server.origin });
    const asking = api.get('/x');
    await until(() => lines.length === 1);
    await clock.advance(0);
    await clock.advance(6_999);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    expect((await asking).status).toBe(200);
  });

  it('give the answer back when Retry-After asks for more time than there is', async () => {
    const server = await openServer((response) => reply(response, 503, 'later', { 'retry-after': '31' }));
    const { api } = await openHttp({ baseUrl: server.origin });
    const answer = await api.get('/x');
    expect([answer.status, await answer.text(), server.requests.length]).toEqual([503, 'later', 1]);
  });

  it('are three tries by default, and as many as the settings say; the last answer is given back', async () => {
    const server = await openServer((response) => reply(response, 503, 'no'.repeat(50_000)));
    const usual = await openHttp({ baseUrl: server.origin, retry: immediately });
    expect(await (await atOnce(usual.clock, usual.api.get('/x'))).text()).toHaveLength(100_000);
    expect(server.requests).toHaveLength(3);
    const more = await openHttp({ baseUrl: server.origin, retry: { attempts: 5, ...immediately } });
    expect((await atOnce(more.clock, more.api.get('/x'))).status).toBe(503);
    expect(server.requests).toHaveLength(8);
    expect(more.lines.findLast(({ message }) => message === 'a request was answered')?.fields['attempts']).toBe(5);
  });

  it('wait longer each time, up to maxDelayMs', async () => {
    const server = await openServer((response) => reply(response, 503));
    const { api, clock, lines } = await openHttp({
      baseUrl: server.origin,
      retry: { attempts: 4, initialDelayMs: 1_000, maxDelayMs: 3_000 },
    });
    const asking = api.get('/x');
    // Half of 1,000, 2,000 and 3,000, as the random number is one half.
    for (const [tries, delayMs] of [
      [1, 500],
      [2, 1_000],
      [3, 1_500],
    ] as const) {
      await until(() => lines.length === tries);
      await clock.advance(0);
      await clock.advance(delayMs - 1);
      expect(server.requests).toHaveLength(tries);
      await clock.advance(1);
    }
    expect((await asking).status).toBe(503);
  });

  it('follow the statuses of the settings', async () => {
    const server = await openServer((response, { url }) => reply(response, Number(url.slice(1))));
    const { api, clock } = await openHttp({ baseUrl: server.origin, retry: { statuses: [500], ...immediately } });
    await atOnce(clock, api.get('/503'));
    expect(server.requests).toHaveLength(1);
    await atOnce(clock, api.get('/500'));
    expect(server.requests).toHaveLength(4);
  });

  it.each([
    [0, 10],
    [1, 25],
  ])('are paid for by requests, %d each', async (budgetRatio, most) => {
    const server = await openServer((response) => reply(response, 503));
    const { api, clock } = await openHttp({
      baseUrl: server.origin,
      retry: { attempts: 2, budgetRatio, ...immediately },
      circuitBreaker: { failures: 1_000 },
    });
    for (let index = 0; index < 25; index += 1) await atOnce(clock, api.get('/x'));
    expect(server.requests).toHaveLength(25 + most);
  });
});

describe('the time limit', () => {
  it('of a whole request really ends it, and the server sees it', async () => {
    const server = await openServer(() => undefined);
    const { api, clock } = await openHttp({ baseUrl: server.origin, timeoutMs: 10_000 });
    const asking = failureOf(api.post('/x'));
    await until(() => server.requests.length === 1);
    await clock.advance(9_999);
    expect(server.abandoned()).toBe(0);
    await clock.advance(1);
    expect(await asking).toMatchObject({
      code: 'RESOURCE_TIMEOUT',
      retryable: false,
      details: { mayHaveBeenSent: true },
    });
    await until(() => server.abandoned() === 1 && server.open() === 0);
    expect(api.egress.stats()).toEqual({ requests: 0, connections: 0, idle: 0, waiting: 0 });
  });

  it('is 30 seconds with all tries by default, and another where the request says so', async () => {
    const server = await openServer(() => undefined);
    const { api, clock } = await openHttp({ baseUrl: server.origin });
    const usual = failureOf(api.get('/x'));
    const short = failureOf(api.post('/x', { timeoutMs: 5_000 }));
    await until(() => server.requests.length === 2);
    await clock.advance(5_000);
    expect((await short).code).toBe('RESOURCE_TIMEOUT');
    await clock.advance(10_000);
    await until(() => clock.pending() >= 2);
    await clock.advance(50);
    await until(() => server.requests.length === 3);
    await clock.advance(14_949);
    expect(api.egress.stats().requests).toBe(1);
    await clock.advance(1);
    expect((await usual).code).toBe('RESOURCE_TIMEOUT');
  });

  it.each([
    [undefined, 15_000],
    [3_000, 3_000],
  ])('of one try until its answer begins is headersTimeoutMs (%s)', async (headersTimeoutMs, ms) => {
    const server = await openServer(() => undefined);
    const setting = headersTimeoutMs === undefined ? {} : { headersTimeoutMs };
    const { api, clock } = await openHttp({ baseUrl: server.origin, ...setting });
    const asking = failureOf(api.post('/x'));
    await until(() => server.requests.length === 1);
    await clock.advance(ms - 1);
    expect(server.abandoned()).toBe(0);
    await clock.advance(1);
    expect(await asking).toMatchObject({ code: 'RESOURCE_TIMEOUT', details: { phase: 'headers', timeoutMs: ms } });
  });

  it.each([
    [undefined, 15_000],
    [3_000, 3_000],
  ])('of the next part of a body is bodyTimeoutMs (%s)', async (bodyTimeoutMs, ms) => {
    const server = await openServer((response) => void response.writeHead(200).write('part'));
    const setting = bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs };
    const { api, clock } = await openHttp({ baseUrl: server.origin, ...setting });
    const reading = failureOf((await api.get('/x')).text());
    await clock.advance(0);
    await clock.advance(ms);
    expect(await reading).toMatchObject({ code: 'RESOURCE_TIMEOUT', details: { phase: 'body', timeoutMs: ms } });
  });

  it('of a whole request holds for reading its answer, too', async () => {
    const responses: ServerResponse[] = [];
    const server = await openServer((response) => {
      responses.push(response);
      response.writeHead(200).write('part');
    });
    const { api, clock } = await openHttp({ baseUrl: server.origin, timeoutMs: 10_000 });
    const reading = failureOf((await api.get('/x')).text());
    for (let turn = 0; turn < 10; turn += 1) {
      responses[0]?.write('part');
      await clock.advance(1_000);
    }
    expect(await reading).toMatchObject({ code: 'RESOURCE_TIMEOUT', details: { phase: 'total' } });
    await until(() => server.abandoned() === 1);
  });

  it.each([
    [undefined, 10_000],
    [2_000, 2_000],
  ])('of connecting is connectTimeoutMs (%s)', async (connectTimeoutMs, ms) => {
    // TLS is part of it: this server accepts, and says nothing.
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closeLater(async () => {
      sockets.forEach((socket) => socket.destroy());
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const setting = connectTimeoutMs === undefined ? {} : { connectTimeoutMs };
    const { api, clock } = await openHttp({ baseUrl: `https://127.0.0.1:${port}`, retry: { attempts: 1 }, ...setting });
    const asking = failureOf(api.post('/x'));
    await until(() => sockets.length === 1);
    await clock.advance(ms);
    expect(await asking).toMatchObject({
      code: 'RESOURCE_TIMEOUT',
      retryable: true,
      details: { phase: 'connect', timeoutMs: ms, mayHaveBeenSent: false },
    });
  });
});

describe('a caller who leaves', () => {
  it.each([
    'before',
    'waiting for a name',
    'waiting for a place',
    'waiting for the answer',
    'between tries',
    'reading',
  ])('ends the request: %s', async (phase) => {
    const server = await openServer((response) => {
      if (phase === 'reading') response.writeHead(200).write('part');
      if (phase === 'between tries') reply(response, 503);
    });
    const { api, clock, lines } = await openHttp({
      baseUrl: phase === 'waiting for a name' ? `http://a.example:${server.port}` : server.origin,
      resolver: () => new Promise(() => undefined),
      bulkhead: { concurrency: phase === 'waiting for a place' ? 1 : 10 },
    });
    const other = phase === 'waiting for a place' ? failureOf(api.get('/other')) : undefined;
    if (other !== undefined) await until(() => server.requests.length === 1);
    const caller = new AbortController();
    const reason = new Error('gone');
    if (phase === 'before') caller.abort(reason);
    const asking = failureOf(api.get('/x', { signal: caller.signal }).then((answer) => answer.text()));
    if (phase === 'waiting for the answer' || phase === 'reading') await until(() => server.requests.length === 1);
    if (phase === 'between tries') await until(() => lines.length === 1);
    await clock.advance(0);
    caller.abort(reason);
    const failure = await asking;
    const wasSent = ['waiting for the answer', 'between tries', 'reading'].includes(phase);
    expect(failure).toMatchObject({ code: 'RESOURCE_CANCELLED', details: { mayHaveBeenSent: wasSent } });
    expect(failure.cause).toBe(reason);
    if (wasSent && phase !== 'between tries') await until(() => server.abandoned() === 1);
    expect(api.egress.stats().requests).toBe(other === undefined ? 0 : 1);
  });
});

describe('the circuit breaker', () => {
  const ask = (server: LoopbackServer, api: Awaited<ReturnType<typeof openHttp>>['api']) =>
    api.request({ url: `${server.origin}/x`, method: 'POST' }).then(
      ({ status }) => String(status),
      ({ code }: { code: string }) => code,
    );

  it('opens after five failures in a row, lets one probe through after 30 seconds, and closes when it succeeds', async () => {
    let isDown = true;
    const server = await openServer((response) => reply(response, isDown ? 500 : 200));
    const other = await openServer();
    const { api, clock } = await openHttp();
    for (let index = 0; index < 5; index += 1) expect(await ask(server, api)).toBe('500');
    expect(await ask(server, api)).toBe('CIRCUIT_OPEN');
    expect(server.requests).toHaveLength(5);
    expect(await ask(other, api)).toBe('200');
    const failure = await failureOf(api.request({ url: server.origin }));
    expect(failure).toMatchObject({ retryable: true, retryAfterMs: 30_000, details: { mayHaveBeenSent: false } });
    await clock.advance(30_000);
    expect(await ask(server, api)).toBe('500');
    expect(await ask(server, api)).toBe('CIRCUIT_OPEN');
    await clock.advance(30_000);
    isDown = false;
    expect(await Promise.all([ask(server, api), ask(server, api)])).toEqual(['200', 'CIRCUIT_OPEN']);
    expect(await Promise.all([ask(server, api), ask(server, api)])).toEqual(['200', '200']);
  });

  it('follows its settings', async () => {
    const server = await openServer((response) => reply(response, 500));
    const { api, clock } = await openHttp({
      circuitBreaker: { failures: 2, openMs: 1_000, openMultiplier: 3, probes: 2 },
    });
    expect([await ask(server, api), await ask(server, api), await ask(server, api)]).toEqual([
      '500',
      '500',
      'CIRCUIT_OPEN',
    ]);
    await clock.advance(1_000);
    const probes = await Promise.all([ask(server, api), ask(server, api), ask(server, api)]);
    expect(probes).toEqual(['500', '500', 'CIRCUIT_OPEN']);
    await clock.advance(2_999);
    expect(await ask(server, api)).toBe('CIRCUIT_OPEN');
    await clock.advance(1);
    expect(await ask(server, api)).toBe('500');
  });

  it.each([
    ['a time limit', 'RESOURCE_TIMEOUT'],
    ['a lost connection', 'HTTP_EXCHANGE_FAILED'],
  ])('counts %s as a failure', async (how, code) => {
    const server = await openServer((response) => (how === 'a time limit' ? undefined : response.destroy()));
    const { api, clock } = await openHttp({ timeoutMs: 1_000, circuitBreaker: { failures: 1 } });
    const asking = ask(server, api);
    await until(() => server.requests.length === 1);
    if (how === 'a time limit') await clock.advance(1_000);
    expect(await asking).toBe(code);
    expect(await ask(server, api)).toBe('CIRCUIT_OPEN');
  });

  it.each([404, 429, 501])('does not count %d as one', async (status) => {
    const server = await openServer((response) => reply(response, status));
    const { api } = await openHttp({ circuitBreaker: { failures: 1 } });
    expect([await ask(server, api), await ask(server, api)]).toEqual([String(status), String(status)]);
  });

  it('does not count a caller who leaves', async () => {
    const server = await openServer((response, _request, index) => void (index > 0 && response.end()));
    const { api } = await openHttp({ circuitBreaker: { failures: 1 } });
    const caller = new AbortController();
    const asking = failureOf(api.request({ url: server.origin, method: 'POST', signal: caller.signal }));
    await until(() => server.requests.length === 1);
    caller.abort();
    await asking;
    expect(await ask(server, api)).toBe('200');
  });

  it('is forgotten with the origin that was used longest ago when there are more than maxOrigins', async () => {
    const server = await openServer((response) => reply(response, 500));
    const other = await openServer();
    const remembering = await openHttp({ circuitBreaker: { failures: 1 } });
    const forgetting = await openHttp({ circuitBreaker: { failures: 1 }, maxOrigins: 1 });
    for (const [{ api }, then] of [
      [remembering, 'CIRCUIT_OPEN'],
      [forgetting, '500'],
    ] as const) {
      expect([await ask(server, api), await ask(other, api), await ask(server, api)]).toEqual(['500', '200', then]);
    }
  });
});

it('an origin that may not be reached takes the place of no other', async () => {
  const server = await openServer((response) => reply(response, 500));
  const { api } = await openHttp({ circuitBreaker: { failures: 1 }, maxOrigins: 1 });
  await api.request({ url: server.origin });
  expect((await failureOf(api.request({ url: 'http://10.0.0.1/' }))).code).toBe('HTTP_TARGET_FORBIDDEN');
  expect((await failureOf(api.request({ url: server.origin }))).code).toBe('CIRCUIT_OPEN');
});

describe('the bulkhead', () => {
  it('lets as many requests to an origin run as it has connections, has a bounded queue, and none is shared', async () => {
    const held: ServerResponse[] = [];
    const server = await openServer((response) => void held.push(response));
    const other = await openServer();
    const { api } = await openHttp({ maxConnectionsPerHost: 2, bulkhead: { queue: 1 } });
    const ask = (origin: string) => api.request({ url: origin, method: 'POST' });
    const asking = [ask(server.origin), ask(server.origin), ask(server.origin)];
    await until(() => held.length === 2);
    expect(await failureOf(ask(server.origin))).toMatchObject({
      code: 'BULKHEAD_FULL',
      retryable: true,
      details: { mayHaveBeenSent: false },
    });
    expect((await ask(other.origin)).status).toBe(200);
    expect(server.connections()).toBe(2);
    held.forEach((response) => response.end());
    await until(() => held.length === 3);
    held[2]?.end();
    expect((await Promise.all(asking)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(server.connections()).toBe(2);
  });

  it('has 100 connections and 100 places to wait by default', async () => {
    const held: ServerResponse[] = [];
    const server = await openServer((response) => void held.push(response));
    const { api } = await openHttp({ baseUrl: server.origin });
    const asking = Array.from({ length: 200 }, () => api.get('/x'));
    await until(() => held.length === 100);
    expect((await failureOf(api.get('/x'))).code).toBe('BULKHEAD_FULL');
    expect(server.connections()).toBe(100);
    held.forEach((response) => response.end());
    await until(() => held.length === 200);
    held.forEach((response) => response.end());
    await Promise.all(asking);
    expect(server.connections()).toBe(100);
  });

  it('has the concurrency and the patience of the settings', async () => {
    const server = await openServer(() => undefined);
    const { api, clock } = await openHttp({
      baseUrl: server.origin,
      bulkhead: { concurrency: 1, queueTimeoutMs: 500 },
    });
    const first = failureOf(api.post('/x'));
    await until(() => server.requests.length === 1);
    const second = failureOf(api.post('/x'));
    await clock.advance(500);
    expect(await second).toMatchObject({ code: 'BULKHEAD_QUEUE_TIMEOUT', details: { mayHaveBeenSent: false } });
    await clock.advance(30_000);
    expect((await first).code).toBe('RESOURCE_TIMEOUT');
  });

  it('turns away, too, what redirects lead to an origin that has no connection left', async () => {
    const last = await openServer((response) => reply(response, 200, 'x'.repeat(1_000_000)));
    const toLast = (response: ServerResponse): void => reply(response, 302, '', { location: `${last.origin}/` });
    const first = await openServer(toLast);
    const second = await openServer(toLast);
    const { api } = await openHttp({ maxConnectionsPerHost: 1, circuitBreaker: { failures: 1 } });
    const unread = await api.request({ url: last.origin });
    const waiting = api.request({ url: first.origin });
    await until(() => api.egress.stats().waiting === 1);
    for (let index = 0; index < 2; index += 1) {
      const failure = await failureOf(api.request({ url: second.origin }));
      expect(failure).toMatchObject({ code: 'BULKHEAD_FULL', retryable: true, details: { mayHaveBeenSent: true } });
    }
    await unread.discard();
    expect((await waiting).status).toBe(200);
    expect(second.requests).toHaveLength(2);
  });

  it('has no queue when the settings say so, and then still serves one after the other', async () => {
    const server = await openServer((response) => reply(response, 200, 'x'.repeat(200_000)));
    const { api } = await openHttp({ baseUrl: server.origin, maxConnectionsPerHost: 1, bulkhead: { queue: 0 } });
    for (let index = 0; index < 5; index += 1) {
      const answer = await api.get('/x');
      const [text] = await Promise.all([
        answer.text(),
        index === 0 ? undefined : api.get('/x').then((one) => one.text()),
      ]);
      expect(text).toHaveLength(200_000);
    }
  });
});
