import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isCodedError, Secret } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import type { SlotCredential } from '@tenon/resources';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inTenant } from '../support/open-resources.ts';
import {
  askServer,
  expectWorking,
  openOrders,
  PATIENCE,
  startLoad,
  watchRejections,
  type Orders,
} from './open-orders.ts';

const url = process.env['TENON_TEST_POSTGRES_URL'] ?? '';
const WORKERS = 20;
const MAX = 6;
const settings = { pool: { max: MAX, createBackoff: { initialMs: 20, maxMs: 100 } } } as const;

/** A login that a test has made on the server, and its credential. */
async function makeLogin(): Promise<{ readonly name: string; readonly credential: SlotCredential }> {
  const name = `faults_${randomUUID().replaceAll('-', '')}`;
  await askServer(url, `create role ${name} login password 'canary-password'`);
  onTestFinished(async () => void (await askServer(url, `drop role ${name}`)));
  const secret = new Secret('canary-password');
  return { name, credential: { kind: 'basic', version: 1, secret, value: { username: name }, expiresAt: undefined } };
}

const whyNotMade = (orders: Orders): readonly string[] =>
  orders.events.flatMap((each) =>
    each.type === 'pool' && each.event.type === 'create-failed' ? [each.event.code] : [],
  );

/** Statements that run for as long as they may, each on a lease of its own. */
async function holdTwo(orders: Orders): Promise<readonly Promise<unknown>[]> {
  const held = await Promise.all([orders.acquire(), orders.acquire()]);
  return held.map(async (db) => {
    await using own = db;
    await inTenant('acme', () => own.query('select pg_sleep(30)'));
  });
}

describe.skipIf(url === '')('what ends under load (skipped without TENON_TEST_POSTGRES_URL)', () => {
  watchRejections();

  it('a credential that is revoked: nothing that rests on it works any more, and a new one does', async () => {
    const [old, next] = [await makeLogin(), await makeLogin()];
    const stored = new Map([['orders-login', old.credential]]);
    const vault = { retrieve: async ({ id }: { readonly id: string }) => stored.get(id) };
    const credentials = { login: 'orders-login' };
    const orders = openOrders(url, { ...settings, credentials }, { vault, drainTimeoutMs: 2_000 });
    let isRevoked = false;
    let workedAfterwards = 0;
    const work = async (): Promise<void> => {
      const beganRevoked = isRevoked;
      const { user } = (await orders.run('select current_user::text as "user"')) as { readonly user: string };
      if (beganRevoked && user === old.name) workedAfterwards += 1;
    };
    const running = (await holdTwo(orders)).map(failureOf);
    const lease = await orders.acquire();
    const load = startLoad(WORKERS, work);
    await expectWorking(load);

    stored.delete('orders-login');
    const telling = orders.resources.credentialChanged({ tenant: 'acme', id: 'orders-login', change: 'revoked' });
    isRevoked = true;
    expect((await failureOf(() => lease.query('select 1'))).code).toBe('RESOURCE_REVOKED');
    expect(lease.lease.signal.aborted).toBe(true);
    await telling;
    for (const failure of await Promise.all(running)) expect(failure.code).toBe('RESOURCE_REVOKED');
    lease.lease.release();
    await expect.poll(() => whyNotMade(orders), PATIENCE).toContain('RESOURCE_CREDENTIAL_MISSING');
    // Also on the server nothing is left of it, the statements that ran on it included.
    await expect.poll(() => orders.backends(), PATIENCE).toEqual([]);

    stored.set('orders-login', { ...next.credential, version: 2 });
    await expectWorking(load);
    await load.stop();
    expect(workedAfterwards).toBe(0);
    expect(load.uncoded).toEqual([]);
    expect(new Set(whyNotMade(orders))).toEqual(new Set(['RESOURCE_CREDENTIAL_MISSING']));
    const expected = ['RESOURCE_CREDENTIAL_MISSING', 'RESOURCE_REVOKED'];
    expect([...load.codes].filter((code) => !expected.includes(code))).toEqual([]);
    expect(await orders.resources.close()).toMatchObject({ forced: 0, left: 0 });
    await expect.poll(() => orders.backends(), PATIENCE).toEqual([]);
  });

  it('the resources themselves: those at work may finish, those who do not are cut off, and the report says how many', async () => {
    const orders = openOrders(url, settings);
    const running = (await holdTwo(orders)).map(failureOf);
    const load = startLoad(WORKERS, () => orders.run());
    await expectWorking(load);

    const startedMs = performance.now();
    const report = await orders.resources.close({ timeoutMs: 500 });
    // Its time, and that for taking connections down: a machine that is busy must not make this fail.
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    expect(report).toMatchObject({ forced: 2, left: 0, resources: [{ resource: 'orders-db', forced: 2 }] });
    expect(report.resources[0]?.destroyed).toBeLessThanOrEqual(MAX);
    for (const failure of await Promise.all(running)) {
      expect(['LEASE_RELEASED', 'RESOURCE_CANCELLED', 'RESOURCE_CONNECTION_LOST']).toContain(failure.code);
    }
    await expect.poll(() => load.codes.has('RESOURCES_CLOSED'), PATIENCE).toBe(true);
    const { worked } = load;
    await load.stop();
    expect(load.worked).toBe(worked);
    expect(load.uncoded).toEqual([]);
    expect([...load.codes].filter((code) => !['POOL_CLOSED', 'RESOURCES_CLOSED'].includes(code))).toEqual([]);
    await expect.poll(() => orders.backends(), PATIENCE).toEqual([]);
    expect(await orders.resources.close()).toBe(report);
  });
});

describe.skipIf(url === '')('an event loop that stands still (skipped without TENON_TEST_POSTGRES_URL)', () => {
  watchRejections();

  it('for two seconds costs nobody a lease, and no connection: who waits is served, or told that it took too long', async () => {
    // Looks become overdue meanwhile. One that its answer did not reach is no reason for a quarantine.
    const health = { intervalMs: 100, timeoutMs: 1_000 };
    const orders = openOrders(url, { ...settings, health });
    const held = await Promise.all(Array.from({ length: MAX }, () => orders.acquire()));
    const before = await orders.backends();
    const waiting = Array.from({ length: WORKERS }, (_, n) =>
      inTenant('acme', () =>
        orders.resources.acquire(orders.token, undefined, { timeoutMs: n % 2 === 0 ? 1_000 : 20_000 }),
      ),
    );
    const served = waiting.map(async (each) => {
      try {
        await using db = await each;
        await inTenant('acme', () => db.query('select 1'));
        return 'served';
      } catch (error) {
        return isCodedError(error) ? error.code : error;
      }
    });
    const statements = held.map((db) => inTenant('acme', () => db.query('select pg_sleep(0.5)')));
    await delay(50);

    const untilMs = performance.now() + 2_000;
    while (performance.now() < untilMs);

    await Promise.all(statements);
    for (const db of held) {
      expect(db.lease.signal.aborted).toBe(false);
      await inTenant('acme', () => db.query('select 1'));
      db.lease.release();
    }
    const outcomes = await Promise.all(served);
    expect(outcomes.filter((_, n) => n % 2 === 1)).toEqual(Array.from({ length: WORKERS / 2 }, () => 'served'));
    expect(outcomes.filter((outcome) => outcome !== 'served' && outcome !== 'RESOURCE_TIMEOUT')).toEqual([]);
    expect(outcomes).toContain('RESOURCE_TIMEOUT');
    // The same connections, each of them and no others.
    expect(await orders.backends()).toEqual(before);
    const load = startLoad(WORKERS, () => orders.run());
    await expectWorking(load);
    await load.stop();
    expect([...load.codes, ...load.uncoded]).toEqual([]);
    expect(orders.events.filter(({ type }) => type === 'quarantined')).toEqual([]);
    expect(orders.resources.list()[0]?.pool).toMatchObject({ active: 0, waiting: 0 });
    expect(await orders.resources.close()).toMatchObject({ forced: 0, left: 0 });
  });
});
