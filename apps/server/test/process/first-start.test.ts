import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { call, readAll, signIn } from './support/api-client.ts';
import { openPlace, owner, withoutOwner } from './support/place.ts';
import { startServerProcess } from './support/server-process.ts';

const SHOWN_ONCE = /password shown this once\D*([0-9a-f]{4}(?:-[0-9a-f]{4}){4})/;
const soon = { timeout: 30_000, interval: 5 };

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

async function countRows(url: string, token: string): Promise<Record<string, number>> {
  const names = ['users', 'products', 'orders'];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readAll(`${url}/v1/${name}`, token)).length] as const)),
  );
}

describe.concurrent('the first start', () => {
  it('makes keys, a tenant, an owner and sample data, and shows the password; the second makes and shows nothing', async () => {
    await using place = await openPlace('pglite', { initialized: false });
    const settings = withoutOwner({ ...place.settings, TENON_SAMPLE_DATA: 'true' });
    let password = '';
    let keys = '';
    {
      await using first = startServerProcess(settings);
      const url = await first.ready();
      await vi.waitUntil(() => SHOWN_ONCE.test(first.output()), soon);
      password = SHOWN_ONCE.exec(first.output())?.[1] ?? '';
      expect(first.output().split(password)).toHaveLength(2);
      const { accessToken: token } = await signIn(url, { email: 'owner@localhost', password });
      expect((await call(`${url}/auth/me`, { token })).body).toMatchObject({ tenant: 'main', role: 'owner' });
      // The sample has 12 people besides the owner.
      expect(await countRows(url, token)).toEqual({ users: 13, products: 24, orders: 40 });
      expect(await modeOf(place.dataDir)).toBe('700');
      expect(await modeOf(join(place.dataDir, 'keys'))).toBe('600');
      keys = await place.read('keys');
      first.kill('SIGTERM');
      expect(await first.exit()).toEqual({ code: 0, signal: null });
    }
    await using second = startServerProcess(settings);
    const url = await second.ready();
    const { accessToken: token } = await signIn(url, { email: 'owner@localhost', password });
    expect(await countRows(url, token)).toEqual({ users: 13, products: 24, orders: 40 });
    expect(await place.read('keys')).toBe(keys);
    expect(second.output()).not.toContain(password);
    expect(second.output()).not.toMatch(/shown this once|first tenant/);
  });

  it('works after one that was killed while the embedded database was being made, with the owner of the settings', async () => {
    await using place = await openPlace('pglite', { initialized: false });
    {
      await using killed = startServerProcess(place.settings);
      await vi.waitUntil(() => place.has('database.new'), soon);
      killed.kill('SIGKILL');
      expect(await killed.exit()).toMatchObject({ signal: 'SIGKILL' });
    }
    await using server = startServerProcess(place.settings);
    const url = await server.ready();
    const { accessToken: token } = await signIn(url, owner);
    // TENON_SAMPLE_DATA is off there.
    expect(await countRows(url, token)).toEqual({ users: 1, products: 0, orders: 0 });
    await vi.waitUntil(() => server.output().includes(owner.email), soon);
    expect(server.output()).not.toContain(owner.password);
    expect(server.output()).not.toMatch(/shown this once/);
  });
});
