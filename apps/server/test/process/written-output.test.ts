import { randomBytes } from 'node:crypto';
import { KeyRing } from '@tenon/crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startRedis } from '../../../../scripts/services/redis.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { openPlace, runSql, type Place } from './support/place.ts';
import { startTour, type Tour } from './support/secret-tour.ts';
import { startServerProcess, type LogLine, type ServerProcess } from './support/server-process.ts';
import { openTcpProxy, type TcpProxy } from './support/tcp-proxy.ts';

const random = (): string => randomBytes(12).toString('hex');
const FORGED = '{"level":"error","msg":"forged"}';

describe('what the server writes', () => {
  let reason: string | undefined;
  let place: Place;
  let redis: PrivateServer;
  let proxy: TcpProxy;
  let server: ServerProcess;
  let tour: Tour;
  let operations = 0;

  beforeAll(async () => {
    if (process.env['TENON_TEST_POSTGRES_URL'] === undefined) reason = 'PostgreSQL: TENON_TEST_POSTGRES_URL is not set';
    const started = await startRedis();
    if (!started.available) reason = started.reason;
    if (reason !== undefined || !started.available) return;
    redis = started.server;
    place = await openPlace('postgres');
    const secrets = { owner: random(), database: random(), redis: random(), metrics: random() };
    const admin = new Redis(redis.url);
    await admin.config('SET', 'requirepass', secrets.redis);
    admin.disconnect();
    proxy = await openTcpProxy(place.databaseUrl ?? '');
    const databaseUrl = new URL(proxy.url);
    databaseUrl.password = secrets.database;
    const redisUrl = new URL(redis.url);
    redisUrl.password = secrets.redis;
    const keys = [KeyRing.generate(), KeyRing.generate()].map((ring) => ring.format().reveal());
    const owner = { email: 'owner@example.com', password: secrets.owner };
    server = startServerProcess({
      ...place.settings,
      TENON_OWNER_PASSWORD: owner.password,
      TENON_DATABASE_URL: databaseUrl.href,
      TENON_DATABASE_ACQUIRE_TIMEOUT_MS: '500',
      TENON_DATABASE_STATEMENT_TIMEOUT_MS: '500',
      TENON_REDIS_URL: redisUrl.href,
      TENON_METRICS_TOKEN: secrets.metrics,
      TENON_KEYS: keys.join(','),
      TENON_LOG_LEVEL: 'debug',
      TENON_SAMPLE_DATA: 'true',
    });
    const url = await server.ready();
    const known = [...Object.values(secrets), ...keys.map((key) => key.split(':')[1] ?? '')];
    tour = startTour(url, known, owner);
    operations = await tour.visitEveryRoute();
    await useEverySecret(owner);
    await provokeFailures(owner);
    await tour.send('/metrics', { token: secrets.metrics });
    await writeLineBreaks();
    server.kill('SIGTERM');
    await server.exit();
  });
  beforeEach((context) => {
    if (reason !== undefined) context.skip(reason);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await redis?.stop();
    await place?.[Symbol.asyncDispose]();
  });

  async function useEverySecret(owner: { readonly email: string; readonly password: string }): Promise<void> {
    const issued = ['accessToken', 'refreshToken'];
    const { body: tokens } = await tour.sendForSecrets('/auth/login', { body: owner }, ...issued);
    const { body: refreshed } = await tour.sendForSecrets(
      '/auth/refresh',
      { body: { refreshToken: tokens.refreshToken as string } },
      ...issued,
    );
    const token = refreshed.accessToken as string;
    const newKey = { name: 'canary', scopes: ['products:read'] };
    const key = await tour.sendForSecrets('/v1/api-keys', { token, body: newKey }, 'key');
    await tour.send('/v1/products', { token: key.body.key as string });
    await tour.send('/v1/users', { token: key.body.key as string });
    await tour.send('/v1/api-keys', { token });
    const person = await tour.send('/v1/users', { token, body: { email: 'ada@example.com', name: 'Ada' } });
    const path = `/v1/users/${(person.body as { id: string }).id}/invitation`;
    const invitation = await tour.sendForSecrets(path, { token, method: 'POST' }, 'token');
    const join = { token: invitation.body.token as string, email: 'ada@example.com', name: 'Ada', password: 'short' };
    await tour.send('/auth/invitations/join', { body: join });
    await tour.send('/auth/invitations/join', { body: { ...join, password: tour.plant('a new password') } });
    await tour.send('/auth/invitations/join', { body: { ...join, password: tour.plant('a new password') } });
    const newPassword = tour.plant('another password');
    await tour.send('/auth/password', { token, body: { currentPassword: tour.plant(), newPassword } });
    await tour.send('/auth/login', { body: { email: owner.email, password: tour.plant() } });
    await tour.send('/auth/sessions', { token });
    await tour.send('/v1/security-events?limit=100', { token });
    await useCredentials(token);
    await tour.send('/auth/logout', { body: { refreshToken: refreshed.refreshToken as string } });
  }

  async function useCredentials(token: string): Promise<void> {
    const at = (rest: string, id = 'github') => `/v1/credentials/${id}${rest}?scope=org:acme`;
    const material = () => ({ kind: 'api-key', material: { key: tour.plant() } });
    const stored = await tour.send('/v1/credentials', {
      token,
      body: { scope: 'org:acme', id: 'github', ...material() },
    });
    expect(stored.status).toBe(201);
    expect((await tour.send(at('/rotate'), { token, body: material() })).status).toBe(200);
    const revealed = await tour.sendForSecrets(at('/reveal'), { token, method: 'POST' }, 'secret');
    expect(revealed.status).toBe(200);
    const old = await tour.sendForSecrets(`${at('/reveal')}&version=1`, { token, method: 'POST' }, 'secret');
    expect(old.status).toBe(200);
    await tour.send('/v1/credentials', { token, body: { scope: 'org:acme', id: 'x', ...material(), kind: 'basic' } });
    await tour.send('/v1/credentials', { token, body: { scope: tour.plant(), id: 'x', ...material() } });
    const wrong = { kind: 'key-pair', material: { privateKey: tour.plant(), publicKey: tour.plant() } };
    await tour.send('/v1/credentials', { token, body: { scope: 'org:acme', id: 'pair', ...wrong } });
    const items = [{ scope: 'org:acme', id: 'batch', ...material() }];
    await tour.send('/v1/credential-batches', { token, body: { operation: 'store', items } });
    await tour.send('/v1/credentials?scope=org:acme', { token });
    await tour.send('/v1/credential-audit', { token });
  }

  async function provokeFailures(owner: { readonly email: string; readonly password: string }): Promise<void> {
    const database = place.databaseUrl ?? '';
    const { body: tokens } = await tour.sendForSecrets('/auth/login', { body: owner }, 'accessToken', 'refreshToken');
    const token = tokens.accessToken as string;
    const product = {
      sku: tour.plant(),
      name: tour.plant(),
      priceMinor: 1,
      currency: 'EUR',
      description: tour.plant(),
    };
    await runSql(database, 'alter table products add constraint planted check (false) not valid');
    expect((await tour.send('/v1/products', { token, body: product })).status).toBe(500);
    await runSql(database, 'alter table products drop constraint planted; alter table products rename to hidden');
    expect((await tour.send(`/v1/products?sku=${tour.plant()}`, { token })).status).toBe(500);
    await runSql(database, 'alter table hidden rename to products');
    proxy.swallow();
    expect((await tour.send('/v1/products', { token, body: product })).status).toBe(503);
    const refresh = { refreshToken: tokens.refreshToken as string };
    expect((await tour.send('/auth/refresh', { body: refresh })).status).toBe(503);
    proxy.pass();
    await server.ready();
    await redis.kill9();
    expect((await tour.send('/auth/login', { body: owner })).status).toBe(503);
    // It comes back without its password, and refuses the server's.
    await redis.restart();
    await tour.send('/auth/login', { body: owner });
  }

  async function writeLineBreaks(): Promise<void> {
    const lines = `\n${FORGED}\n`;
    const encoded = encodeURIComponent(lines);
    const headers = { 'x-request-id': encoded, traceparent: encoded };
    await tour.send(`/v1/${encoded}?${encoded}=${encoded}`);
    await tour.send(`/v1/products/${encoded}`, { token: 'forged', headers });
    await tour.send('/auth/login', { body: { email: `a@b${lines}`, password: lines, tenant: lines } });
    await tour.send('/auth/login', { body: `{"email":"${lines}` });
    const unknown = { email: 'a@b.example', password: 'x' };
    await tour.send('/auth/login', { body: unknown, headers: { 'user-agent': `a\t${FORGED}` } });
  }

  const requests = (): readonly LogLine[] => server.log().filter(({ msg }) => msg === 'request');

  it('property 22: no planted secret appears in anything the server writes', () => {
    const secrets = tour.secrets();
    expect(secrets.length).toBeGreaterThan(operations * 10);
    const written = [
      server.output(),
      ...tour.answers().map(({ text, headers }) => `${text}\n${JSON.stringify([...headers])}`),
    ].join('\n');
    const leaked = secrets.filter((secret) => written.includes(secret) || written.includes(encodeURIComponent(secret)));
    const context = leaked.map((secret) => {
      const at = written.indexOf(secret);
      return written.slice(Math.max(0, at - 200), at + secret.length + 50);
    });
    expect(context).toEqual([]);
    // The tour was no quiet one: it met every kind of failure.
    const statuses = new Set(tour.answers().map(({ status }) => status));
    for (const status of [200, 201, 400, 401, 403, 404, 422, 500, 503]) expect(statuses).toContain(status);
    expect(server.log().some(({ level }) => level === 'error')).toBe(true);
  });

  it('is one JSON object a line with time, level and message, but for what it tells people', () => {
    const others = server
      .output()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'));
    for (const line of others) expect(line).toMatch(/^(Tenon is serving| {2}reference| {2}sign in| {2}sample) /);
    for (const { time, level, msg } of server.log()) {
      expect(new Date(String(time)).toISOString()).toBe(time);
      expect(['debug', 'info', 'warn', 'error', 'fatal']).toContain(level);
      expect(msg).toMatch(/./);
    }
  });

  it('tells of each request who called what route in which tenant, what came of it and how long it took', () => {
    expect(requests().length).toBeGreaterThan(operations * 4);
    for (const line of requests()) {
      expect(line).toMatchObject({
        level: 'info',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        method: expect.stringMatching(/^[A-Z]+$/),
        route: expect.any(String),
        status: expect.any(Number),
        durationMs: expect.any(Number),
      });
    }
    const read = requests().filter(({ route, status }) => route === '/v1/products' && status === 200);
    expect(read.length).toBeGreaterThan(0);
    for (const line of read) {
      expect(line).toMatchObject({ tenantId: 'main', userId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    }
    const ids = requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('names the route and not the address: no query string, no id, nothing a caller made up', () => {
    for (const { route } of requests()) expect(route).toMatch(/^(unknown|\*|(\/[\w.:-]+)+)$/);
    for (const text of ['access_token=', '01920000-0000-7000-8000-000000000000']) {
      expect(server.output().includes(text), text).toBe(false);
    }
  });

  it('has no line that a caller wrote', () => {
    expect(server.output().split('\n')).not.toContain(FORGED);
    expect(server.log().filter(({ msg }) => msg === 'forged')).toEqual([]);
    for (const answer of tour.answers()) expect([...answer.headers.keys()]).not.toContain('forged');
  });
});
