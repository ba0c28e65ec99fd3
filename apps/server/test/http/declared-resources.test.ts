import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Client } from '../support/client.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

interface Shown {
  readonly name: string;
  readonly state: string;
  readonly instances: number;
  readonly health: { readonly status: string };
}

describe.each(describeDrivers())('resources over HTTP, on %s', (driver) => {
  let folder: string;
  let file: string;
  let site: Server;
  let server: TestServer;
  let tenant: TestTenant;
  let other: TestTenant;
  let owner: Client;
  const down = { is: false, looks: 0 };
  const declare = (more: object = {}): void => {
    const { port } = site.address() as AddressInfo;
    const http = { baseUrl: `http://127.0.0.1:${port}`, policy: { allowPrivate: ['127.0.0.0/8'] } };
    writeFileSync(
      file,
      JSON.stringify({
        resources: { site: { technology: 'http', settings: http }, hot: { technology: 'memory-cache' }, ...more },
      }),
    );
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-declared-'));
    file = join(folder, 'resources.json');
    site = createServer(({ url }, response) => {
      if (url === '/health') down.looks += 1;
      response.writeHead(url === '/health' && down.is ? 500 : 200).end('here');
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    declare();
    server = await startTestServer(driver, { environment: { TENON_RESOURCES_FILE: file } });
    tenant = await server.newTenant();
    other = await server.newTenant();
    ({ owner } = tenant);
  });
  afterAll(async () => {
    await server.stop();
    site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const list = async (by: Client = owner): Promise<readonly Shown[]> =>
    (await by.get('/v1/resources')).as<{ readonly items: readonly Shown[] }>().items;

  it('are listed before and after their first use, to each tenant its own', async () => {
    expect(await list()).toMatchObject([
      { name: 'site', technology: 'http', state: 'created', instances: 0, health: { status: 'unknown' } },
      { name: 'hot', technology: 'memory-cache', state: 'created' },
    ]);
    const checked = await owner.post('/v1/resources/site/check', {});
    expect(checked.status, checked.text).toBe(200);
    expect(checked.as<Shown>()).toMatchObject({ name: 'site', state: 'idle', instances: 1 });
    expect((await list())[0]).toMatchObject({ state: 'idle' });
    expect((await list(other.owner))[0]).toMatchObject({ state: 'created', instances: 0 });
  });

  it('are shown with everything but secrets', async () => {
    await owner.post('/v1/resources/hot/check', {});
    const answer = await owner.get('/v1/resources/hot');
    expect(answer.status, answer.text).toBe(200);
    expect(answer.as<object>()).toMatchObject({ name: 'hot', dependencies: [], pool: { name: 'hot' } });
    expect(problemOf(await owner.get('/v1/resources/nothing'))).toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
      status: 404,
    });
  });

  it('say together how they are', async () => {
    const answer = await owner.get('/v1/resources/health');
    expect(answer.as<object>()).toMatchObject({
      resources: [{ name: 'site' }, { name: 'hot' }],
    });
  });

  it('that are down are tried until they are back, however often that is', async () => {
    const { port } = site.address() as AddressInfo;
    const settings = {
      baseUrl: `http://127.0.0.1:${port}`,
      policy: { allowPrivate: ['127.0.0.0/8'] },
      check: '/health',
    };
    const health = { intervalMs: 100, failureThreshold: 1, initialDelayMs: 1, maxDelayMs: 1, successesNeeded: 1 };
    declare({ flaky: { technology: 'http', settings, health } });
    await owner.post('/v1/resources/reload', {});
    down.looks = 0;
    down.is = true;
    const status = async (): Promise<string> => (await owner.get('/v1/resources/flaky')).as<Shown>().health.status;
    await owner.post('/v1/resources/flaky/check', {});
    await expect.poll(() => down.looks, { timeout: 20_000 }).toBeGreaterThan(12);
    expect(await status()).toBe('unhealthy');
    down.is = false;
    await expect.poll(status, { timeout: 20_000 }).toBe('healthy');
    declare();
    await owner.post('/v1/resources/reload', {});
  });

  it('are drained for one tenant, and come back at the next use', async () => {
    for (const by of [owner, other.owner]) await by.post('/v1/resources/site/check', {});
    const drained = await owner.post('/v1/resources/site/drain', { timeoutMs: 100 });
    expect(drained.as<object>()).toEqual({
      items: [{ resource: 'site', returned: 0, destroyed: 1, forced: 0, left: 0 }],
    });
    expect((await list())[0]).toMatchObject({ state: 'created' });
    expect((await list(other.owner))[0]).toMatchObject({ state: 'idle' });
    expect((await owner.post('/v1/resources/site/check', {})).as<Shown>()).toMatchObject({ state: 'idle' });
    expect(problemOf(await owner.post('/v1/resources/site/drain', { timeoutMs: -1 }))).toMatchObject({ status: 422 });
  });

  it('are read again from their file', async () => {
    declare({ more: { technology: 'memory-cache', tenants: { somebody: { settings: { maxEntries: 5 } } } } });
    expect((await owner.post('/v1/resources/reload', {})).as<object>()).toEqual({ changed: ['more'] });
    expect((await list()).map(({ name }) => name)).toEqual(['site', 'hot', 'more']);
    declare({ more: { technology: 'memory-cache', tenants: { 'secret-customer': { settings: { maxEntries: -1 } } } } });
    const refused = await owner.post('/v1/resources/reload', {});
    expect(problemOf(refused)).toMatchObject({ code: 'RESOURCES_INVALID', status: 409 });
    // One tenant asks, and all of them are in the file.
    for (const hidden of ['secret-customer', folder, 'maxEntries']) expect(refused.text).not.toContain(hidden);
    const line = server.log.find(({ msg }) => msg === 'the declared resources could not be read again');
    expect(JSON.stringify(line)).toContain('maxEntries');
    expect(await list()).toHaveLength(3);
    declare();
    expect((await owner.post('/v1/resources/reload', {})).as<object>()).toEqual({ changed: ['more'] });
  });

  it('are for owners and administrators, and for machines with the permission', async () => {
    for (const role of ['member', 'viewer'] as const) {
      const person = await tenant.newPerson(role);
      expect((await person.get('/v1/resources')).status).toBe(403);
    }
    const reader = await tenant.newApiKey(['resources:read']);
    expect((await reader.get('/v1/resources')).status).toBe(200);
    expect((await reader.post('/v1/resources/site/drain', {})).status).toBe(403);
    expect((await server.anybody.get('/v1/resources')).status).toBe(401);
  });

  it('are measured', async () => {
    await owner.post('/v1/resources/site/check', {});
    await tenant.run(async () => {
      const { resources } = server.services.resources;
      const token = resources.named('hot');
      if (token !== undefined) await resources.use(token, () => undefined);
    });
    const { text } = await server.anybody.get('/metrics');
    for (const name of ['resource_acquisitions_total', 'resource_active_count', 'resource_creations_total']) {
      expect(text).toMatch(new RegExp(`^${name}\\{[^}]*resource="hot"`, 'm'));
    }
  });

  it('end with the server', async () => {
    const again = await startTestServer(driver, { environment: { TENON_RESOURCES_FILE: file } });
    const { resources } = again.services.resources;
    const token = resources.named('hot');
    if (token === undefined) throw new Error('it is not declared');
    await resources.use(token, () => undefined);
    await again.stop();
    await expect(resources.acquire(token)).rejects.toMatchObject({ code: 'RESOURCES_CLOSED' });
  });
});
