import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

const PASSWORD = 'p@ss/canary:0123456789';
const INTERNAL = 'internal-header-canary';
const USERS = { postgres: 'nobody_canary', mysql: 'nobody', redis: 'nobody', http: 'app' };

/** A login to each technology that a server refuses, or that nobody answers. */
function declarations(site: string): object {
  const at = (variable: string, fallback: string): string => process.env[variable] ?? fallback;
  const placeOf = (text: string): { host: string; port: number } => {
    const { hostname: host, port } = new URL(text);
    return { host, port: Number(port) };
  };
  const slot = (technology: string, name = 'login') => ({ [name]: { scope: 'org:acme', id: `${technology}-login` } });
  const pool = { createBackoff: { initialMs: 1, maxMs: 5 } };
  const redis = placeOf(at('TENON_TEST_REDIS_URL', 'redis://127.0.0.1:1'));
  return {
    postgres: {
      technology: 'postgres',
      settings: { ...placeOf(at('TENON_TEST_POSTGRES_URL', 'postgres://127.0.0.1:1')), database: 'postgres' },
      credentials: slot('postgres'),
      pool,
    },
    mysql: {
      technology: 'mysql',
      settings: { ...placeOf(at('TENON_TEST_MYSQL_URL', 'mysql://127.0.0.1:1')), database: 'mysql' },
      credentials: slot('mysql'),
      pool,
    },
    redis: {
      technology: 'redis',
      settings: { url: `redis://${redis.host}:${redis.port}`, maxReconnects: 0 },
      credentials: slot('redis'),
      pool,
    },
    http: {
      technology: 'http',
      settings: {
        baseUrl: site,
        policy: { allowPrivate: ['127.0.0.0/8'] },
        headers: { 'x-internal': INTERNAL },
        check: '/',
        retry: { attempts: 1 },
      },
      credentials: slot('http', 'authorization'),
    },
  };
}

describe.each(describeDrivers())('the secret of a declared resource, on %s', (driver) => {
  let folder: string;
  let site: Server;
  let server: TestServer;
  let tenant: TestTenant;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-declared-'));
    // It says what it was sent, as many do.
    site = createServer(({ headers }, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end(headers.authorization),
    ).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const file = join(folder, 'resources.json');
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    writeFileSync(file, JSON.stringify({ resources: declarations(url) }));
    server = await startTestServer(driver, { environment: { TENON_RESOURCES_FILE: file } });
    tenant = await server.newTenant();
    for (const [technology, username] of Object.entries(USERS)) {
      const stored = await tenant.owner.post('/v1/credentials', {
        scope: 'org:acme',
        id: `${technology}-login`,
        kind: 'basic',
        material: { username, password: PASSWORD },
      });
      expect(stored.status, stored.text).toBe(201);
    }
  });
  afterAll(async () => {
    await server.stop();
    site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is in no answer, no line of the log and no measurement, whatever becomes of it', async () => {
    const { owner } = tenant;
    const answers: Answer[] = [];
    const refused: string[] = [];
    for (const name of Object.keys(USERS)) {
      const checked = await owner.post(`/v1/resources/${name}/check`, {});
      answers.push(checked, await owner.get(`/v1/resources/${name}`));
      answers.push(await owner.post(`/v1/resources/${name}/drain`, { timeoutMs: 10 }));
      const token = server.services.resources.resources.named(name);
      if (token === undefined) throw new Error(`${name} is not declared`);
      await tenant
        .run(() => server.services.resources.resources.use(token, () => undefined))
        .catch(() => refused.push(name));
    }
    expect(refused).toEqual(['postgres', 'mysql', 'redis']);
    answers.push(await owner.get('/v1/resources'), await owner.get('/v1/resources/health'));
    answers.push(await owner.post('/v1/resources/reload', {}), await server.anybody.get('/metrics'));
    answers.push(await owner.get('/v1/credentials?scope=org%3Aacme'));
    expect(answers.some(({ text }) => text.includes('RESOURCE_') || text.includes('unhealthy'))).toBe(true);
    const texts = [...answers.map(({ text }) => text), ...server.log.map((line) => JSON.stringify(line))];
    const forms = Object.values(USERS).map((user) => Buffer.from(`${user}:${PASSWORD}`).toString('base64'));
    for (const form of [PASSWORD, encodeURIComponent(PASSWORD), 'canary:0123', ...forms]) {
      expect(texts.filter((text) => text.includes(form))).toEqual([]);
    }
  });

  it('is not shown to who may look at a resource, and neither are its headers', async () => {
    const { text, status } = await tenant.owner.get('/v1/resources/http');
    expect(status).toBe(200);
    expect(text).not.toContain(INTERNAL);
    expect(text).toContain('[hidden]');
  });

  it('of one tenant is not used for another, nor is it told that there is one', async () => {
    const other = await server.newTenant();
    for (const name of ['postgres', 'mysql', 'redis', 'http']) {
      const checked = await other.owner.post(`/v1/resources/${name}/check`, {});
      expect(checked.status, name).toBe(409);
      expect(checked.text).toContain('RESOURCE_CREDENTIAL_MISSING');
      const { resources } = server.services.resources;
      const token = resources.named(name);
      if (token === undefined) throw new Error(`${name} is not declared`);
      const used = other.run(() => resources.use(token, () => undefined));
      await expect(used).rejects.toMatchObject({ code: 'RESOURCE_CREDENTIAL_MISSING' });
      const shown = await other.owner.get(`/v1/resources/${name}`);
      expect(shown.text).not.toContain(tenant.id);
      expect(shown.text).not.toContain(PASSWORD);
    }
  });
});
