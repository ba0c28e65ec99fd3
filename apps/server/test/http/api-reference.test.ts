import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRoutes, watchApp } from '../support/list-routes.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    schema?: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, { schema: Schema }>> }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, { readonly type: string; readonly scheme: string }>>;
  };
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace']);
const TYPES = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);

/** What is wrong with a JSON Schema of draft 2020-12, as far as its form goes. */
function faultsOf(schema: unknown, at: string): readonly string[] {
  if (typeof schema === 'boolean') return [];
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [`${at}: no schema`];
  const faults: string[] = [];
  const { type, properties, items, required, nullable, example, definitions, $ref, ...rest } = schema as Schema;
  for (const one of type === undefined ? [] : [type].flat())
    if (!TYPES.has(one as string)) faults.push(`${at}: type ${JSON.stringify(one)}`);
  // Words of OpenAPI 3.0 and of older drafts, which 3.1 does not know.
  for (const [name, value] of Object.entries({ nullable, example, definitions })) {
    if (value !== undefined) faults.push(`${at}: ${name}`);
  }
  if ($ref !== undefined && !(typeof $ref === 'string' && /^#\/components\/schemas\/\w+$/.test($ref)))
    faults.push(`${at}: $ref ${JSON.stringify($ref)}`);
  if (required !== undefined && (!Array.isArray(required) || new Set(required).size !== required.length))
    faults.push(`${at}: required`);
  for (const name of Array.isArray(required) ? required : []) {
    if (properties !== undefined && !Object.hasOwn(properties as object, String(name)))
      faults.push(`${at}: required ${name}`);
  }
  for (const [name, one] of Object.entries(properties ?? {})) faults.push(...faultsOf(one, `${at}/${name}`));
  if (items !== undefined) faults.push(...faultsOf(items, `${at}/items`));
  for (const word of ['anyOf', 'oneOf', 'allOf']) {
    for (const one of rest[word] === undefined ? [] : [rest[word]].flat())
      faults.push(...faultsOf(one, `${at}/${word}`));
  }
  if (type === 'array' && items === undefined) faults.push(`${at}: an array of what`);
  return faults;
}

describe.each(describeDrivers())('the API reference, on %s', (driver) => {
  const watch = watchApp();
  let server: TestServer;
  let document: Document;
  let operations: readonly (readonly [name: string, path: string, method: string, operation: Operation])[];

  beforeAll(async () => {
    server = await startTestServer(driver, {
      routes: watch.routes,
      environment: { TENON_CORS_ORIGINS: 'https://shop.example.com, http://localhost:5173' },
    });
    const answer = await server.anybody.get('/openapi.json');
    expect(answer.status).toBe(200);
    document = answer.as<Document>();
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, path, method, operation] as const,
      ),
    );
  });
  afterAll(() => server.stop());

  describe('as a document', () => {
    it('is OpenAPI 3.1', () => {
      expect(document.openapi).toMatch(/^3\.1\.\d+$/);
      expect(document.info).toEqual({
        title: 'Tenon',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        description: expect.stringContaining('RFC 9457'),
      });
      for (const [path, methods] of Object.entries(document.paths)) {
        expect(path.startsWith('/'), path).toBe(true);
        for (const method of Object.keys(methods)) expect(METHODS.has(method), `${method} ${path}`).toBe(true);
      }
    });

    it('describes every route but itself and its page', () => {
      const known = listRoutes(watch.app())
        .filter(
          ({ method, url }) =>
            !['HEAD', 'OPTIONS'].includes(method) && !url.startsWith('/docs') && url !== '/openapi.json',
        )
        .map(({ method, url }) => `${method} ${url.replace(':id', '{id}')}`);
      expect(operations.map(([name]) => name).toSorted()).toEqual(known.toSorted());
    });

    it('gives every operation a summary, a known tag, its access and its answers', () => {
      const tags = document.tags.map(({ name }) => name);
      const summaries = operations.map(([, , , { summary }]) => summary);
      for (const [name, , method, operation] of operations) {
        expect(operation.summary, name).toMatch(/^[A-Z].*[^.]$/);
        expect(tags, name).toEqual(expect.arrayContaining([...(operation.tags ?? ['none'])]));
        expect(Array.isArray(operation.security), name).toBe(true);
        const statuses = Object.keys(operation.responses);
        expect(
          statuses.some((status) => /^2\d\d$/.test(status)),
          name,
        ).toBe(true);
        expect(operation.responses['default'], name).toBeDefined();
        if (method !== 'get') continue;
        expect(operation.requestBody, name).toBeUndefined();
      }
      expect(new Set(summaries).size).toBe(summaries.length);
    });

    it('answers every error with the one problem document', () => {
      for (const [name, path, method, { responses, security }] of operations) {
        const refused = Object.entries(responses).filter(([status]) => !/^2\d\d$|^503$/.test(status));
        for (const [status, { description, content }] of refused) {
          expect(description, `${name} ${status}`).toMatch(/\S/);
          expect(content, `${name} ${status}`).toEqual({
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          });
        }
        const expected = [
          ...(security?.length === 0 ? [] : ['401', '403']),
          ...(path.includes('{id}') ? ['404'] : []),
          ...(['post', 'put', 'patch'].includes(method) ? ['409', '422'] : []),
          'default',
        ];
        expect(
          refused.map(([status]) => status),
          name,
        ).toEqual(expect.arrayContaining(expected));
      }
      expect(document.components.schemas['Problem']).toMatchObject({
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'code', 'requestId', 'retryable'],
      });
    });

    it('names how to sign in, and asks for nothing else', () => {
      expect(document.components.securitySchemes).toMatchObject({
        accessToken: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'http', scheme: 'bearer' },
      });
      const known = Object.keys(document.components.securitySchemes);
      for (const [name, , , { security, description }] of operations) {
        for (const way of security ?? []) expect(known, name).toEqual(expect.arrayContaining(Object.keys(way)));
        // Machines have no account: where they may call, a permission is named.
        const machines = security?.some((way) => 'apiKey' in way) ?? false;
        expect(/Needs the permission `[a-z-]+:[a-z-]+`\./.test(description ?? ''), name).toBe(machines);
      }
    });

    it('describes every parameter of every path, and none twice', () => {
      for (const [name, path, , { parameters = [] }] of operations) {
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
        const described = parameters.filter((one) => one.in === 'path');
        expect(
          described.map((one) => one.name),
          name,
        ).toEqual(inPath);
        expect(
          described.every(({ required }) => required === true),
          name,
        ).toBe(true);
        const names = parameters.map((one) => `${one.in} ${one.name}`);
        expect(new Set(names).size, name).toBe(names.length);
      }
      const { parameters = [] } = document.paths['/v1/products']?.['get'] ?? {};
      const names = parameters.map((one) => one.name);
      expect(names).toEqual(
        expect.arrayContaining(['limit', 'cursor', 'page', 'sort', 'total', 'price[gte]', 'sku', 'name[prefix]']),
      );
    });

    it('holds schemas of JSON Schema 2020-12, and nothing that older ones knew', () => {
      const faults = operations.flatMap(([name, , , { parameters = [], requestBody, responses }]) => [
        ...parameters.flatMap((one) => faultsOf(one.schema, `${name} ${one.name}`)),
        ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => faultsOf(schema, `${name} body`)),
        ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
          Object.values(content).flatMap(({ schema }) => faultsOf(schema, `${name} ${status}`)),
        ),
      ]);
      const shared = Object.entries(document.components.schemas).flatMap(([name, schema]) => faultsOf(schema, name));
      expect([...faults, ...shared]).toEqual([]);
      // Every reference leads somewhere.
      for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
        expect(Object.keys(document.components.schemas)).toContain(name);
      }
    });

    it('takes JSON alone, and says what may be in it', () => {
      for (const [name, , , { requestBody }] of operations) {
        if (requestBody === undefined) continue;
        expect(Object.keys(requestBody.content), name).toEqual(['application/json']);
        expect(requestBody.content['application/json']?.schema['additionalProperties'], name).toBe(false);
      }
    });
  });

  describe('as a page', () => {
    it('comes from this server, with all that it loads', async () => {
      const page = await server.anybody.get('/docs/');
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
      const loaded = [...page.text.matchAll(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="([^"]+)"/g)].map(
        (match) => match[1] ?? '',
      );
      expect(loaded.length).toBeGreaterThan(0);
      for (const address of loaded) {
        const url = new URL(address, `${server.url}/docs/`);
        expect(url.origin, address).toBe(server.url);
        const script = await fetch(url);
        expect(script.status, address).toBe(200);
        expect(script.headers.get('content-type'), address).toMatch(/javascript/);
        expect((await script.text()).length, address).toBeGreaterThan(100_000);
      }
      const hosts = [...page.text.matchAll(/https?:\/\/([^/"'\s<]+)/g)].map((match) => match[1]);
      expect(hosts.filter((host) => host !== 'www.w3.org')).toEqual([]);
      expect(page.text).toContain('/openapi.json');
    });

    it('may load, call and show what is of this server alone', async () => {
      const page = await server.anybody.get('/docs/');
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("connect-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/https?:|\*/);
    });

    it('is found without its slash too', async () => {
      const answer = await server.anybody.get('/docs');
      expect([200, 301, 302, 308]).toContain(answer.status);
      expect(answer.headers.get('location') ?? '/docs/').toMatch(/^\/?docs\/$/);
    });
  });

  describe('beside it, headers', () => {
    it('keep browsers from guessing, framing and leaking, on every answer', async () => {
      const answers = [
        await server.anybody.get('/healthz'),
        await server.anybody.get('/v1/products'),
        await server.anybody.get('/nothing'),
        await server.anybody.get('/openapi.json'),
        await server.anybody.post('/auth/login', '{'),
        await server.anybody.delete('/v1/products'),
      ];
      for (const { headers } of answers) {
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
        expect(headers.get('x-powered-by')).toBeNull();
        expect(headers.get('server')).toBeNull();
      }
    });

    it('let pages of configured origins in, and no others', async () => {
      for (const origin of ['https://shop.example.com', 'http://localhost:5173']) {
        const { headers } = await server.anybody.get('/healthz', { origin });
        expect(headers.get('access-control-allow-origin')).toBe(origin);
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        expect(headers.get('vary')).toMatch(/\borigin\b/i);
        expect(headers.get('access-control-expose-headers')).toContain('etag');
      }
      for (const origin of [
        'https://evil.example',
        'https://shop.example.com.evil.example',
        'http://shop.example.com',
        'null',
      ]) {
        const { headers, status } = await server.anybody.get('/healthz', { origin });
        expect(status).toBe(200);
        expect(headers.get('access-control-allow-origin'), origin).toBeNull();
      }
    });

    it('answer what browsers ask before a request', async () => {
      const ask = (origin: string) =>
        server.anybody.send('OPTIONS', '/v1/products', {
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization,content-type,x-tenant-id',
          },
        });
      const answer = await ask('https://shop.example.com');
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-methods')).toContain('PATCH');
      expect(answer.headers.get('access-control-allow-headers')).toContain('x-tenant-id');
      expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    });

    it('change nothing about routes that are not there', async () => {
      const { owner } = await server.newTenant();
      expect((await owner.get('/nothing')).status).toBe(404);
      const answer = await owner.delete('/v1/products');
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    });

    it('let no page in, of errors neither, where no origin is configured', async () => {
      const closed = await startTestServer(driver);
      try {
        for (const path of ['/healthz', '/v1/products', '/nothing']) {
          const { headers } = await closed.anybody.get(path, { origin: 'https://shop.example.com' });
          expect(headers.get('access-control-allow-origin'), path).toBeNull();
        }
        const answer = await closed.anybody.send('OPTIONS', '/v1/products', {
          headers: { origin: 'https://shop.example.com', 'access-control-request-method': 'POST' },
        });
        expect(answer.status).toBe(405);
      } finally {
        await closed.stop();
      }
    });
  });
});
