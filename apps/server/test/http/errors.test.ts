import { authErrorCodes } from '@tenon/auth';
import { CodedError, newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { publicAccess, type RegisterRoutes } from '@tenon/server';
import { tenancyErrorCodes } from '@tenon/tenancy';
import { tradingErrorCodes } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Answer } from '../support/client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { sendRaw } from '../support/raw-request.ts';
import { createProduct, productBody } from '../support/samples.ts';
import { PASSWORD, startTestServer, type TestPerson, type TestServer } from '../support/test-server.ts';

const PLANTED = 'planted-7f3a91';

/** Routes that fail as no route of the server should. */
const failingRoutes: RegisterRoutes = (app) => {
  const config = { access: publicAccess };
  const fail = (path: string, error: () => unknown): void => {
    app.get(`/failing/${path}`, { config }, () => {
      throw error();
    });
  };
  fail('error', () => new Error(`select * from accounts where password = '${PLANTED}'`));
  fail('text', () => PLANTED);
  fail('nothing', () => undefined);
  fail(
    'coded',
    () => new CodedError('NOBODY_KNOWS_IT', PLANTED, { details: { planted: PLANTED }, retryAfterMs: 5_000 }),
  );
  fail('status', () => Object.assign(new Error(PLANTED), { statusCode: 418 }));
  app.get('/failing/late', { config }, async () => {
    await Promise.resolve();
    throw new TypeError(PLANTED);
  });
  app.get('/failing/code/:code', { config }, ({ params }) => {
    const { code } = params as { readonly code: string };
    throw new CodedError(code, 'as it would be thrown by a service');
  });
  app.get(
    '/failing/answer',
    {
      config,
      schema: { response: { 200: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } } },
    },
    () => ({ b: PLANTED }),
  );
  // What a validator of JSON Schemas, such as Ajv, has to say.
  const errors = [
    { keyword: 'additionalProperties', instancePath: '/a', params: { additionalProperty: 'b' }, message: 'not known' },
    { keyword: 'minLength', instancePath: '/c', params: { limit: 1 } },
  ];
  const validatorCompiler = (() => Object.assign(() => false, { errors })) as never;
  app.post('/failing/checked', { config, schema: { body: {} }, validatorCompiler }, () => ({}));
};

describe.each(describeDrivers())('errors on %s', (driver) => {
  let server: TestServer;
  let owner: TestPerson;
  let viewer: TestPerson;

  beforeAll(async () => {
    server = await startTestServer(driver, {
      environment: { TENON_BODY_LIMIT_BYTES: '20000' },
      routes: failingRoutes,
    });
    const tenant = await server.newTenant();
    owner = tenant.owner;
    viewer = await tenant.newPerson('viewer');
  });
  afterAll(() => server.stop());

  const cases: readonly (readonly [number, string, string, () => Promise<Answer>])[] = [
    [400, 'BODY_MALFORMED', 'malformed JSON', () => owner.post('/v1/products', `{"sku": "${PLANTED}`)],
    [
      400,
      'IF_MATCH_INVALID',
      'an If-Match that is no tag',
      () => owner.patch(`/v1/products/${newId()}`, { stock: 1 }, { 'if-match': PLANTED }),
    ],
    [400, 'REQUEST_MALFORMED', 'an address that cannot be decoded', () => owner.get('/v1/products/%E0%A4%A')],
    [400, 'REQUEST_MALFORMED', 'an id without end', () => owner.get(`/v1/products/${'x'.repeat(2_000)}`)],
    [
      400,
      'REQUEST_MALFORMED',
      'a malformed X-Tenant-ID',
      () => owner.get('/v1/products', { 'x-tenant-id': `${PLANTED}!` }),
    ],
    [401, 'SIGN_IN_REQUIRED', 'no credentials', () => server.anybody.get('/v1/products')],
    [
      401,
      'AUTH_TOKEN_INVALID',
      'a token that is none',
      () => server.anybody.get('/v1/products', { authorization: `Bearer ${PLANTED}` }),
    ],
    [
      401,
      'AUTH_API_KEY_INVALID',
      'a key that is none',
      () => server.anybody.get('/v1/products', { authorization: `Bearer tnk_abcdefgh_${PLANTED}` }),
    ],
    [
      401,
      'AUTH_CREDENTIALS_INVALID',
      'a wrong password',
      () => server.anybody.post('/auth/login', { email: owner.email, password: PLANTED }),
    ],
    [
      403,
      'PERMISSION_DENIED',
      'a role that may not',
      () => viewer.post('/v1/products', productBody({ name: PLANTED })),
    ],
    [403, 'TENANT_NOT_ALLOWED', 'a tenant of others', () => owner.get('/v1/products', { 'x-tenant-id': 'main' })],
    [404, 'ROUTE_NOT_FOUND', 'an unknown route', () => owner.get(`/v1/nothing?secret=${PLANTED}`)],
    [404, 'PRODUCT_NOT_FOUND', 'an unknown row', () => owner.get(`/v1/products/${newId()}`)],
    [405, 'METHOD_NOT_ALLOWED', 'another method', () => owner.delete('/v1/products')],
    [
      409,
      'PRODUCT_SKU_TAKEN',
      'something that is there already',
      async () => {
        const { sku } = await createProduct(owner);
        return owner.post('/v1/products', productBody({ sku, name: PLANTED }));
      },
    ],
    [
      409,
      'PRODUCT_VERSION_CONFLICT',
      'a version that is past',
      async () => {
        const { id } = await createProduct(owner);
        return owner.patch(`/v1/products/${id}`, { stock: 1, name: PLANTED }, { 'if-match': '"v7"' });
      },
    ],
    [
      413,
      'BODY_TOO_LARGE',
      'a body over the limit',
      () => owner.post('/v1/products', productBody({ description: PLANTED.repeat(2_000) })),
    ],
    [
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'a body of another kind',
      () => owner.post('/v1/products', `name=${PLANTED}`, { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    [422, 'PRODUCT_INVALID', 'wrong input', () => owner.post('/v1/products', { sku: 7, name: PLANTED })],
    [422, 'INPUT_INVALID', 'a wrong query', () => owner.get(`/v1/products?limit=${PLANTED}`)],
    [
      429,
      'AUTH_THROTTLED',
      'too many failures',
      async () => {
        const login = { email: `${newId()}@example.com`, password: PLANTED };
        for (let attempt = 0; attempt < 5; attempt += 1) await server.anybody.post('/auth/login', login);
        return server.anybody.post('/auth/login', login);
      },
    ],
    [500, 'INTERNAL', 'a fault of ours', () => server.anybody.get('/failing/error')],
    [500, 'INTERNAL', 'a fault that comes later', () => server.anybody.get('/failing/late')],
    [500, 'INTERNAL', 'text that was thrown', () => server.anybody.get('/failing/text')],
    [500, 'INTERNAL', 'nothing that was thrown', () => server.anybody.get('/failing/nothing')],
    [500, 'INTERNAL', 'an error that has no status', () => server.anybody.get('/failing/coded')],
    [500, 'INTERNAL', 'an answer that is not what was promised', () => server.anybody.get('/failing/answer')],
    [400, 'REQUEST_MALFORMED', 'an error of the framework', () => server.anybody.get('/failing/status')],
  ];

  it.each(cases)('answer %i %s for %s', async (status, code, _, request) => {
    const answer = await request();
    expectProblem(answer, status, code);
    expect(answer.text).not.toContain(PLANTED);
    expect(answer.headers.get('www-authenticate') === null).toBe(status !== 401);
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD, POST' : null);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(status === 429 ? 1 : 0);
  });

  it('have a case for each status that callers meet', () => {
    const statuses = new Set(cases.map(([status]) => status));
    // 503 has tests of its own below: it takes a server without a database.
    expect([...statuses].toSorted((left, right) => left - right)).toEqual([
      400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500,
    ]);
  });

  it('of the domain all have a status, but for those that are faults of ours', async () => {
    const hidden: string[] = [];
    for (const code of [...authErrorCodes, ...tenancyErrorCodes, ...tradingErrorCodes]) {
      const answer = await server.anybody.get(`/failing/code/${code}`);
      expect(answer.status, code).toBeGreaterThanOrEqual(400);
      expect(problemOf(answer).title, code).toMatch(/^[A-Z]/);
      if (answer.status === 500) hidden.push(code);
    }
    expect(hidden.toSorted()).toEqual([
      'AUTH_OPTIONS_INVALID',
      'AUTH_SIGNING_KEY_UNREADABLE',
      'QUOTA_INVALID',
      'TENANCY_OPTIONS_INVALID',
      'TENANT_FIELD_REFUSED',
    ]);
  });

  it('that may pass by themselves say so, and an unknown commit does not', async () => {
    const ask = (code: string) => server.anybody.get(`/failing/code/${code}`);
    for (const code of ['DATABASE_CLOSED', 'AUTH_CLOSED', 'KV_CLOSED']) {
      const { headers } = await ask(code);
      expect(headers.get('retry-after'), code).toBe('2');
    }
    const unknown = await ask('DATABASE_COMMIT_UNKNOWN');
    expect(unknown.status).toBe(503);
    expect(problemOf(unknown).retryable).toBe(false);
    expect(unknown.headers.get('retry-after')).toBeNull();
  });

  it('of a validator that a route brings along are listed like all others', async () => {
    const answer = await server.anybody.post('/failing/checked', { a: { b: 1 } });
    expect(expectProblem(answer, 422, 'INPUT_INVALID').errors).toEqual([
      { path: '/a/b', code: 'unknown_field', message: 'not known' },
      { path: '/c', code: 'min_length', message: 'is not valid' },
    ]);
  });

  it('of ours are logged with their cause, under the request id that the caller was told', async () => {
    const problem = expectProblem(await server.anybody.get('/failing/error'), 500, 'INTERNAL');
    expect(problem.detail).toContain(problem.requestId);
    const line = server.log.find(({ requestId, level }) => requestId === problem.requestId && level === 'error');
    expect(line).toMatchObject({
      msg: 'request failed',
      code: 'INTERNAL',
      err: { stack: expect.stringContaining(PLANTED) },
    });
  });

  it.each([
    ['/v1/orders/x', 'POST', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['/auth/login', 'GET', 'POST'],
    ['/auth/sessions/x', 'GET', 'DELETE'],
    ['/v1/users/x/invitation', 'PATCH', 'POST'],
    ['/healthz', 'PUT', 'GET, HEAD'],
    ['/openapi.json', 'DELETE', 'GET, HEAD'],
  ])('say for %s which methods there are', async (path, method, allow) => {
    const answer = await owner.send(method, path);
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it.each(['/', '/v1', '/V1/products', '/v1/products/a/b', '/auth', '/../etc/passwd', '/v1//products'])(
    'say for %s that there is no such route',
    async (path) => {
      const { detail } = expectProblem(await owner.get(path), 404, 'ROUTE_NOT_FOUND');
      expect(detail).toMatch(/^there is no GET \/.*; see \/docs$/);
    },
  );

  it.each([
    ['text', 'text/plain'],
    ['a form', 'multipart/form-data; boundary=x'],
    ['XML', 'application/xml'],
    ['JSON in disguise', 'text/json'],
    ['something like JSON', 'application/jsonp'],
    ['nothing that can be read', 'nonsense'],
  ])('say for %s that bodies are JSON', async (_, type) => {
    const answer = await owner.post('/v1/products', '{}', { 'content-type': type });
    expect(expectProblem(answer, 415, 'MEDIA_TYPE_UNSUPPORTED').detail).toContain('application/json');
  });

  it('take JSON by all its names', async () => {
    for (const type of ['application/json; charset=utf-8', 'application/merge-patch+json', 'APPLICATION/JSON']) {
      const answer = await owner.post('/v1/products', productBody(), { 'content-type': type });
      expect(answer.status, type).toBe(201);
    }
  });

  it.each([
    ['with a length', (size: number) => `content-length: ${size}\r\n\r\n`],
    ['without one', () => 'transfer-encoding: chunked\r\n\r\n'],
  ])('come before a large body is read, %s', async (_, headers) => {
    const size = 10 * 1_048_576;
    const head =
      `POST /v1/products HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${owner.accessToken}\r\n` +
      `content-type: application/json\r\n${headers(size)}`;
    const chunk = `5000\r\n${'x'.repeat(0x5000)}\r\n`;
    // Of ten megabytes only a part is sent: the answer does not wait for the rest.
    const answer = await sendRaw(server.url, `${head}${chunk}`);
    expect(expectProblem(answer, 413, 'BODY_TOO_LARGE').detail).toContain('larger');
  });

  it('take a body of exactly the limit', async () => {
    const padded = (bytes: number): string => {
      const text = JSON.stringify(productBody());
      return text + ' '.repeat(bytes - Buffer.byteLength(text));
    };
    expect((await owner.post('/v1/products', padded(20_000))).status).toBe(201);
    expectProblem(await owner.post('/v1/products', padded(20_001)), 413, 'BODY_TOO_LARGE');
  });

  describe('of requests that are none', () => {
    it.each([
      ['no HTTP', 'HELLO\r\n\r\n'],
      ['another protocol', 'GET /healthz SPDY/3\r\nhost: x\r\n\r\n'],
      ['an unknown method', 'GRAB /healthz HTTP/1.1\r\nhost: x\r\n\r\n'],
      ['a header without a name', 'GET /healthz HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n'],
      ['a control character in a header', 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: \u0001\r\n\r\n'],
      ['a length that is none', 'POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n'],
      ['two lengths', 'POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
      [
        'length and chunks at once',
        'POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
    ])('%s', async (_, bytes) => {
      expectProblem(await sendRaw(server.url, bytes), 400, 'REQUEST_MALFORMED');
      expect((await server.anybody.get('/healthz')).status).toBe(200);
    });

    it.each([
      ['a header without end', `x-long: ${'x'.repeat(100_000)}\r\n`],
      [
        'a thousand long headers',
        Array.from({ length: 1_000 }, (_, index) => `x-${index}: ${'y'.repeat(50)}\r\n`).join(''),
      ],
    ])('%s', async (_, headers) => {
      const answer = await sendRaw(server.url, `GET /healthz HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
      expectProblem(answer, 431, 'HEADERS_TOO_LARGE');
      expect((await server.anybody.get('/healthz')).status).toBe(200);
    });

    it('a tenant that is named twice', async () => {
      const header = `x-tenant-id: ${owner.tenantId}\r\n`;
      const answer = await sendRaw(
        server.url,
        `GET /v1/products HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${owner.accessToken}\r\n${header}${header}\r\n`,
      );
      expect(expectProblem(answer, 400, 'REQUEST_MALFORMED').detail).toContain('X-Tenant-ID');
    });

    it('credentials that are given twice', async () => {
      const header = `authorization: Bearer ${owner.accessToken}\r\n`;
      const answer = await sendRaw(server.url, `GET /auth/me HTTP/1.1\r\nhost: x\r\n${header}${header}\r\n`);
      expect([200, 401]).toContain(answer.status);
    });
  });
});

describe.each(describeDrivers())('a server without its database, on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  it('answers 503 and Retry-After, and says that it is not ready', async () => {
    const { owner } = await server.newTenant();
    const key = await (await server.newTenant()).newApiKey(['products:read']);
    expect((await server.anybody.get('/readyz')).body).toEqual({ status: 'ready' });
    await server.services.database.close();

    const requests: Readonly<Record<string, () => Promise<Answer>>> = {
      list: () => owner.get('/v1/products'),
      create: () => owner.post('/v1/products', productBody()),
      order: () => owner.post('/v1/orders', { lines: [{ productId: newId(), quantity: 1 }] }),
      'sign in': () => server.anybody.post('/auth/login', { email: owner.email, password: PASSWORD }),
      refresh: () => server.anybody.post('/auth/refresh', { refreshToken: owner.refreshToken }),
      'API key': () => key.get('/v1/products'),
    };
    for (const [name, request] of Object.entries(requests)) {
      const answer = await request();
      expect(answer.status, `${name}: ${answer.text}`).toBe(503);
      expectProblem(answer, 503, (answer.body as { code: string }).code);
      expect(Number(answer.headers.get('retry-after')), name).toBeGreaterThanOrEqual(1);
    }
    const ready = await server.anybody.get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.headers.get('retry-after')).toBe('2');
    expect(ready.body).toMatchObject({ status: 'database-down' });
    expect((await server.anybody.get('/healthz')).status).toBe(200);
  });
});
