import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpFace } from '@tenon/resources/drivers/http';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Client } from '../support/client.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

describe.each(describeDrivers())('the health of a resource over HTTP, on %s', (driver) => {
  let folder: string;
  let site: Server;
  let server: TestServer;
  let tenant: TestTenant;
  let owner: Client;
  let other: Client;
  let status = 200;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-health-'));
    const file = join(folder, 'resources.json');
    site = createServer((_, response) => response.writeHead(status).end('here')).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { port } = site.address() as AddressInfo;
    const settings = {
      baseUrl: `http://127.0.0.1:${port}`,
      check: '/health',
      policy: { allowPrivate: ['127.0.0.0/8'] },
    };
    const health = { intervalMs: 86_400_000, failureThreshold: 3 };
    writeFileSync(file, JSON.stringify({ resources: { site: { technology: 'http', settings, health } } }));
    server = await startTestServer(driver, { environment: { TENON_RESOURCES_FILE: file } });
    tenant = await server.newTenant();
    ({ owner } = tenant);
    other = (await server.newTenant()).owner;
  });
  afterAll(async () => {
    await server.stop();
    site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const look = async (times: number): Promise<void> => {
    for (let count = 0; count < times; count += 1) {
      expect((await owner.post('/v1/resources/site/check', {})).status).toBe(200);
    }
  };
  const health = async (by: Client = owner): Promise<object> =>
    (await by.get('/v1/resources/site/health')).as<object>();

  it('is unknown before its first use', async () => {
    const none = { looks: 0, failureShare: 0, medianLatencyMs: null };
    expect(await health()).toEqual({
      name: 'site',
      technology: 'http',
      status: 'unknown',
      reason: null,
      checkedAt: null,
      latencyMs: null,
      gate: 'open',
      trend: { direction: 'unknown', older: none, newer: none },
      history: [],
    });
  });

  it('has its looks and where they go, for whoever may read it, of their tenant', async () => {
    await look(8);
    expect(await health()).toMatchObject({ status: 'healthy', gate: 'open', history: { length: 8 } });
    status = 503;
    await look(2);
    expect(await health()).toMatchObject({
      status: 'unhealthy',
      reason: 'its check was answered with 503',
      gate: 'open',
      trend: {
        direction: 'worsening',
        older: { looks: 5, failureShare: 0, medianLatencyMs: expect.any(Number) },
        newer: { looks: 5, failureShare: 0.4, medianLatencyMs: expect.any(Number) },
      },
      history: [
        { status: 'unhealthy' },
        { status: 'unhealthy' },
        { status: 'healthy' },
        ...Array.from({ length: 7 }, () => ({})),
      ],
    });
    expect(await health(other)).toMatchObject({ status: 'unknown', history: [] });
    expect((await server.anybody.get('/v1/resources/site/health')).status).toBe(401);
    expect(problemOf(await owner.get('/v1/resources/nothing/health'))).toMatchObject({ code: 'RESOURCE_NOT_FOUND' });
  });

  it('is rolled up by the worst and by the mean, with where it goes', async () => {
    expect((await owner.get('/v1/resources/health')).as<object>()).toMatchObject({
      status: 'unhealthy',
      weightedStatus: 'unhealthy',
      score: 0,
      trend: 'worsening',
      resources: [{ name: 'site', trend: 'worsening', health: { status: 'unhealthy' } }],
    });
  });

  it('is measured', async () => {
    const { text } = await server.anybody.get('/metrics');
    expect(text).toMatch(/^resource_health_score\{[^}]*resource="site"[^}]*\} 0( |$)/m);
    expect(text).toMatch(/^resource_health_trend\{[^}]*resource="site"[^}]*\} -1( |$)/m);
  });

  it('has buckets for how long acquires and requests took that fit them', async () => {
    await tenant.run(async () => {
      const { resources } = server.services.resources;
      const token = resources.named('site');
      // Whatever comes of it.
      if (token !== undefined) await resources.use(token, (face) => (face as unknown as HttpFace).get('/'));
    });
    const { text } = await server.anybody.get('/metrics');
    const bounds = (name: string): readonly string[] => [
      ...new Set([...text.matchAll(new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"`, 'gm'))].map(([, le = '']) => le)),
    ];
    expect(bounds('resource_acquisition_duration_seconds')).toEqual([
      '0.0001',
      '0.001',
      '0.01',
      '0.1',
      '1',
      '10',
      '+Inf',
    ]);
    expect(bounds('resource_http_request_duration_seconds')).toEqual(
      expect.arrayContaining(['0.005', '0.1', '2.5', '10']),
    );
  });

  it('says when it is not lent any more', async () => {
    await look(1);
    expect(await health()).toMatchObject({
      status: 'unhealthy',
      gate: expect.stringMatching(/closed|probing/),
    });
  });
});
