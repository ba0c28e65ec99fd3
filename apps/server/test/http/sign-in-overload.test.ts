import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf } from '../support/client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe.each(describeDrivers())('a storm of sign-ins on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver, {
      environment: { TENON_SIGN_IN_CONCURRENCY: '1', TENON_TRUSTED_PROXIES: '127.0.0.1' },
    });
  });
  afterAll(() => server.stop());

  it('is shed with 503 and Retry-After, while other routes are answered in between', async () => {
    const { owner } = await server.newTenant();
    const { auth } = server.services;
    const storm = Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        server.anybody.post(
          '/auth/login',
          { email: `${newId()}@example.com`, password: 'whatever it may be' },
          { 'x-forwarded-for': `10.1.0.${index}` },
        ),
      ),
    );
    await expect.poll(() => auth.statistics().shed, { interval: 5, timeout: 30_000 }).toBeGreaterThan(0);
    for (let round = 0; round < 10; round += 1) {
      expect((await owner.get('/v1/products')).status).toBe(200);
      expect((await server.anybody.get('/healthz')).status).toBe(200);
    }
    // All of it was answered before the sign-ins that wait had their turn.
    expect(auth.statistics().waiting).toBeGreaterThan(10);

    const answers = await storm;
    const shed = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 401).length + shed.length).toBe(120);
    expect(shed.length).toBe(auth.statistics().shed);
    expect(shed.length).toBeGreaterThanOrEqual(50);
    for (const answer of shed) {
      expect(problemOf(answer)).toMatchObject({ code: 'AUTH_OVERLOADED', retryable: true });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
    expect((await server.anybody.post('/auth/login', { email: owner.email, password: owner.password })).status).toBe(
      200,
    );
  });
});
