import { writeFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { runAs } from '@tenon/core';
import { apiKey } from '@tenon/credentials';
import { describeDrivers } from '@tenon/database/testing';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { call, signIn, type Answer } from '../process/support/api-client.ts';
import { startLocalServer, type LocalServer } from '../process/support/local-server.ts';
import { openPlace, type Place } from '../process/support/place.ts';
import { openRawConnection } from '../process/support/raw-connection.ts';

const DAY_MS = 86_400_000;
const driver = describeDrivers().at(-1) ?? 'pglite';

/** One row of one column. */
async function valueOf(server: LocalServer, query: string): Promise<unknown> {
  const { rows } = await server.services.database.withSystem('test', (tx) =>
    sql<{ value: unknown }>`${sql.raw(query)}`.execute(tx),
  );
  return rows[0]?.value;
}

const inTenant = <T>(work: () => Promise<T>): Promise<T> =>
  runAs({ tenant: 'main', actor: { type: 'system', id: 'test' } }, work);

describe('a server with settings of its own, beside one with the defaults', () => {
  const places: Place[] = [];
  let changed: LocalServer;
  let plain: LocalServer;

  beforeAll(async () => {
    const [place, other] = [await openPlace(driver), await openPlace(driver)];
    places.push(place, other);
    changed = await startLocalServer({
      ...place.settings,
      TENON_PUBLIC_URL: 'https://api.example.com',
      TENON_METRICS_TOKEN: 'the token of the metrics',
      TENON_CORS_ORIGINS: 'https://app.example.com,https://shop.example.com',
      TENON_BCRYPT_COST: '11',
      TENON_SIGN_IN_CONCURRENCY: '1',
      TENON_CREDENTIAL_AUDIT: 'observe',
      TENON_SESSION_IDLE_DAYS: '3',
      TENON_SESSION_MAX_DAYS: '5',
      TENON_REQUEST_TIMEOUT_MS: '1000',
      TENON_HOST: '127.0.0.2',
      TENON_LOG_LEVEL: 'warn',
    });
    plain = await startLocalServer({ ...other.settings, TENON_LOG_LEVEL: 'debug' });
  });
  afterAll(async () => {
    await changed[Symbol.asyncDispose]();
    await plain[Symbol.asyncDispose]();
    await Promise.all(places.map((place) => place[Symbol.asyncDispose]()));
  });

  it('TENON_HOST is the one address that it listens on', async () => {
    expect(changed.url).toMatch(/^http:\/\/127\.0\.0\.2:\d+$/);
    expect((await call(`${changed.url}/healthz`)).status).toBe(200);
    await expect(openRawConnection(changed.url.replace('127.0.0.2', '127.0.0.1'))).rejects.toThrow('ECONNREFUSED');
  });

  it('TENON_PUBLIC_URL names issuer and audience of access tokens; by default it is the address of the settings', async () => {
    const { iss, aud } = decodeJwt((await signIn(changed.url)).accessToken);
    expect([iss, aud]).toEqual(['https://api.example.com', 'https://api.example.com']);
    expect(decodeJwt((await signIn(plain.url)).accessToken).iss).toMatch(/^http:\/\/localhost/);
  });

  it('TENON_METRICS_TOKEN opens the metrics, and nothing else does', async () => {
    const metrics = (token?: string): Promise<Answer> =>
      call(`${changed.url}/metrics`, token === undefined ? {} : { token });
    expect((await metrics()).status).toBe(401);
    expect((await metrics('the token of the metricz')).status).toBe(401);
    expect((await metrics((await signIn(changed.url)).accessToken)).status).toBe(401);
    expect(await metrics('the token of the metrics')).toMatchObject({
      status: 200,
      text: expect.stringContaining('process_memory_heap'),
    });
    expect((await call(`${plain.url}/metrics`)).status).toBe(200);
  });

  it('TENON_CORS_ORIGINS lets pages of these origins call, with credentials, and of no others', async () => {
    const preflight = (url: string, origin: string): Promise<Answer> =>
      call(`${url}/v1/products`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      });
    for (const origin of ['https://app.example.com', 'https://shop.example.com']) {
      const { headers } = await preflight(changed.url, origin);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
    }
    const refused = [
      await preflight(changed.url, 'https://evil.example.com'),
      await preflight(plain.url, 'https://app.example.com'),
    ];
    for (const { headers } of refused) expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  it('TENON_BCRYPT_COST is the cost of password hashes', async () => {
    const cost = "select substr(password_hash, 5, 2) as value from accounts where email_key = 'owner@example.com'";
    expect([await valueOf(changed, cost), await valueOf(plain, cost)]).toEqual(['11', '10']);
  });

  it('TENON_CREDENTIAL_AUDIT is whether a change of a credential begins with a record of it', async () => {
    const outcomes = async (server: LocalServer): Promise<unknown> => {
      const place = { scope: 'org:acme', id: 'github' };
      await inTenant(() => server.services.credentials.store(place, apiKey('x')));
      const records = () => inTenant(() => server.services.credentials.auditRecords());
      await expect.poll(async () => (await records()).some(({ outcome }) => outcome === 'succeeded')).toBe(true);
      return (await records()).map(({ outcome }) => outcome);
    };
    expect(await outcomes(changed)).toEqual(['succeeded']);
    expect(await outcomes(plain)).toEqual(['succeeded', 'intended']);
  });

  it('TENON_SIGN_IN_CONCURRENCY is how many passwords are checked at once', async () => {
    const mostAtOnce = async ({ url, services }: LocalServer): Promise<number> => {
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, services.auth.statistics().running)), 1);
      await Promise.all(Array.from({ length: 4 }, () => signIn(url)));
      clearInterval(watch);
      return most;
    };
    expect([await mostAtOnce(changed), await mostAtOnce(plain)]).toEqual([1, 2]);
  });

  it('TENON_SESSION_IDLE_DAYS and TENON_SESSION_MAX_DAYS are the life of a session', async () => {
    const lives = async (server: LocalServer): Promise<readonly unknown[]> => {
      await signIn(server.url);
      const life = (column: string): Promise<unknown> =>
        valueOf(server, `select max(extract(epoch from ${column} - created_at) * 1000)::int8 as value from sessions`);
      return [await life('expires_at'), await life('absolute_expires_at')];
    };
    expect(await lives(changed)).toEqual([3 * DAY_MS, 5 * DAY_MS]);
    expect(await lives(plain)).toEqual([7 * DAY_MS, 30 * DAY_MS]);
  });

  it('TENON_REQUEST_TIMEOUT_MS is how long a request may take to arrive', async () => {
    const slow = await openRawConnection(changed.url);
    const other = await openRawConnection(plain.url);
    const half =
      'POST /auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{';
    const startedAt = performance.now();
    other.write(half);
    expect(await slow.send(half)).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"REQUEST_TIMEOUT"/);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    // The default is half a minute.
    expect(await other.send('x'.repeat(89))).toMatch(/^HTTP\/1\.1 400 /);
    for (const connection of [slow, other]) connection.end();
  });

  it('TENON_LOG_LEVEL is the least important level that is written', () => {
    const levels = (server: LocalServer): readonly unknown[] => server.log.map(({ level }) => level);
    expect(levels(plain)).toEqual(expect.arrayContaining(['debug', 'info']));
    expect(levels(changed).filter((level) => level === 'debug' || level === 'info')).toEqual([]);
  });
});

describe('TENON_ROLES', () => {
  it('with api alone answers and cleans up nothing; with worker alone cleans up and does not listen', async () => {
    await using place = await openPlace(driver);
    const settings = { ...place.settings, TENON_LOG_LEVEL: 'debug' };
    const isCleaner = ({ log }: LocalServer): boolean => log.some(({ msg }) => msg === 'expired rows removed');
    {
      await using api = await startLocalServer({ ...settings, TENON_ROLES: 'api' });
      await signIn(api.url);
      expect(isCleaner(api)).toBe(false);
    }
    await using worker = await startLocalServer({ ...settings, TENON_ROLES: 'worker' });
    expect(worker.url).toBe('');
    await vi.waitUntil(() => isCleaner(worker), { timeout: 10_000 });
    expect(worker.log.map(({ msg }) => msg)).not.toContainEqual(expect.stringMatching(/listening/));
  });
});

describe('TENON_KEYS', () => {
  it('are used in place of the file, which is not made', async () => {
    await using place = await openPlace(driver);
    const keys = 'first:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY';
    await using server = await startLocalServer({ ...place.settings, TENON_KEYS: keys });
    expect(server.services.keys.ids).toEqual(['first']);
    expect(place.has('keys')).toBe(false);
  });
});

describe.skipIf(driver !== 'postgres')('with PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)', () => {
  it('TENON_DATABASE_POOL and TENON_DATABASE_ACQUIRE_TIMEOUT_MS: what finds no connection in time is answered 503', async () => {
    await using place = await openPlace('postgres');
    await using server = await startLocalServer({
      ...place.settings,
      TENON_ROLES: 'api',
      TENON_DATABASE_POOL: '2',
      TENON_DATABASE_ACQUIRE_TIMEOUT_MS: '150',
    });
    const { accessToken: token } = await signIn(server.url);
    const released = Promise.withResolvers<void>();
    const hold = (): Promise<void> => server.services.database.withSystem('test', () => released.promise);
    const first = hold();
    expect((await call(`${server.url}/v1/products`, { token })).status).toBe(200); // one of two is left
    const second = hold();
    const startedAt = performance.now();
    const answer = await call(`${server.url}/v1/products`, { token });
    expect([answer.status, answer.body.code]).toEqual([503, 'DATABASE_BUSY']);
    expect(answer.headers.has('retry-after')).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(4_000); // the default is 5 seconds
    released.resolve();
    await Promise.all([first, second]);
    expect((await call(`${server.url}/v1/products`, { token })).status).toBe(200);
  });

  it('TENON_DATABASE_STATEMENT_TIMEOUT_MS ends a statement; 0 lets it run', async () => {
    await using place = await openPlace('postgres');
    {
      await using server = await startLocalServer({ ...place.settings, TENON_DATABASE_STATEMENT_TIMEOUT_MS: '400' });
      await expect(valueOf(server, 'select pg_sleep(20)')).rejects.toMatchObject({
        code: 'DATABASE_STATEMENT_TIMEOUT',
      });
    }
    await using unlimited = await startLocalServer({ ...place.settings, TENON_DATABASE_STATEMENT_TIMEOUT_MS: '0' });
    expect(await valueOf(unlimited, "select current_setting('statement_timeout') as value")).toBe('0');
  });

  it('TENON_DATABASE_PREPARED_STATEMENTS prepares repeated statements, or none', async () => {
    await using place = await openPlace('postgres');
    const preparedWith = async (setting: string): Promise<unknown> => {
      await using server = await startLocalServer({
        ...place.settings,
        TENON_DATABASE_POOL: '1',
        TENON_DATABASE_PREPARED_STATEMENTS: setting,
      });
      const { accessToken: token } = await signIn(server.url);
      for (let time = 0; time < 3; time += 1) await call(`${server.url}/v1/products`, { token });
      return await valueOf(server, "select count(*) as value from pg_prepared_statements where name like 'tenon%'");
    };
    expect(await preparedWith('true')).toBeGreaterThan(0);
    expect(await preparedWith('false')).toBe(0);
  });

  it('TENON_DATABASE_CA_FILE asks for a certificate that it vouches for: a server without TLS is refused', async () => {
    await using place = await openPlace('postgres');
    const file = `${place.dataDir}.pem`;
    await writeFile(file, rootCertificates[0] ?? '');
    const refused = startLocalServer({ ...place.settings, TENON_DATABASE_CA_FILE: file });
    await expect(refused).rejects.toMatchObject({ code: 'DATABASE_TLS_FAILED' });
  });
});
