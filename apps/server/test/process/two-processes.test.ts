import type { Order } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { call, createProducts, readAll, signIn } from './support/api-client.ts';
import { openPlace, runSql, type Place } from './support/place.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

const hasPostgres = process.env['TENON_TEST_POSTGRES_URL'] !== undefined;

describe.skipIf(!hasPostgres)('two processes on one PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)', () => {
  let place: Place;
  let processes: readonly ServerProcess[];
  let here: string;
  let there: string;

  beforeAll(async () => {
    place = await openPlace('postgres');
    const settings = { ...place.settings, TENON_SAMPLE_DATA: 'true' };
    // At the same moment, on an empty database and an empty data folder.
    processes = [startServerProcess(settings), startServerProcess(settings)];
    [here = '', there = ''] = await Promise.all(processes.map((one) => one.ready()));
  });
  afterAll(async () => {
    await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
    await place[Symbol.asyncDispose]();
  });

  it('start together: the schema, the keys, the tenant and the sample data are made once', async () => {
    const tenants = await runSql(place.databaseUrl ?? '', 'select tenant_id from tenants');
    expect(tenants).toEqual([{ tenant_id: 'main' }]);
    const made = processes.flatMap((one) => one.log()).filter(({ msg }) => msg === 'first tenant and owner made');
    expect(made).toHaveLength(1);
    const migrated = processes.flatMap((one) => one.log()).filter(({ msg }) => msg === 'database migrated');
    expect(migrated.flatMap(({ applied }) => applied as readonly string[])).toEqual([
      ...new Set(migrated.flatMap(({ applied }) => applied)),
    ]);
    const { accessToken: token } = await signIn(here);
    // Both hold the same keys: the token of one is good at the other.
    expect(await readAll(`${there}/v1/orders`, token)).toHaveLength(40);
    expect(await readAll(`${there}/v1/users`, token)).toHaveLength(13);
  });

  it('a session that was ended in one is refused by the other within a second or so', async () => {
    const { accessToken: token, refreshToken } = await signIn(here);
    const statusThere = async (): Promise<number> => (await call(`${there}/auth/me`, { token })).status;
    expect(await statusThere()).toBe(200); // it is remembered there now
    expect((await call(`${here}/auth/logout`, { body: { refreshToken } })).status).toBe(204);
    const endedAt = performance.now();
    await vi.waitUntil(async () => (await statusThere()) === 401, { timeout: 10_000, interval: 20 });
    expect(performance.now() - endedAt).toBeLessThan(3_000);
    expect((await call(`${here}/auth/me`, { token })).status).toBe(401);
  });

  it('one refresh token sent to both many times at once gives one successor, and the session lives on', async () => {
    const { refreshToken } = await signIn(here);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        call(`${index % 2 === 0 ? here : there}/auth/refresh`, { body: { refreshToken } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const successors = new Set(answers.map(({ body }) => body.refreshToken as string));
    expect(successors.size).toBe(1);
    const [successor = ''] = successors;
    expect((await call(`${there}/auth/refresh`, { body: { refreshToken: successor } })).status).toBe(200);
  });

  it('100 buyers of the last 10 pieces, half of them at each, get exactly 10', async () => {
    const { accessToken: token } = await signIn(here);
    const [productId = ''] = await createProducts(here, token, [10]);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        call(`${index % 2 === 0 ? here : there}/v1/orders`, { token, body: { lines: [{ productId, quantity: 1 }] } }),
      ),
    );
    const bought = answers.filter(({ status }) => status === 201);
    expect(bought).toHaveLength(10);
    const refused = answers.filter(({ status }) => status !== 201).map(({ status, body }) => [status, body.code]);
    expect(refused).toEqual(Array.from({ length: 90 }, () => [409, 'ORDER_STOCK_SHORT']));
    expect((await call(`${there}/v1/products/${productId}`, { token })).body).toMatchObject({ stock: 0 });
    const ids = bought.map(({ body }) => (body as Order).id).toSorted();
    const sql = `select order_id from order_lines where product_id = '${productId}' order by order_id`;
    const lines = await runSql<{ order_id: string }>(place.databaseUrl ?? '', sql);
    expect(lines.map((line) => line.order_id)).toEqual(ids);
  });

  it('one idempotency key sent to both many times at once makes one order', async () => {
    const { accessToken: token } = await signIn(here);
    const [productId = ''] = await createProducts(here, token, [100]);
    const order = { token, headers: { 'idempotency-key': 'at-both' }, body: { lines: [{ productId, quantity: 3 }] } };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => call(`${index % 2 === 0 ? here : there}/v1/orders`, order)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map(({ body }) => (body as Order).id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.has('idempotency-replayed'))).toHaveLength(19);
    expect((await call(`${there}/v1/products/${productId}`, { token })).body).toMatchObject({ stock: 97 });
  });
});
