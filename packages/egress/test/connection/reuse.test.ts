import type { ServerResponse } from 'node:http';
import { failureOf } from '@tenon/core/testing';
import type { EgressResponse } from '@tenon/egress';
import { describe, expect, it } from 'vitest';
import { kept, openEgress, until } from '../support/open-egress.ts';
import { openServer } from '../support/test-server.ts';

const TIMES = 20;

type Answer = (response: ServerResponse) => void;
type Reading = (response: EgressResponse) => Promise<unknown>;

const withStatus =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(body);

const empty: readonly (readonly [name: string, method: string, answer: Answer])[] = [
  ['204', 'GET', withStatus(204)],
  ['204 to DELETE', 'DELETE', withStatus(204)],
  ['a length of 0', 'GET', withStatus(200, { 'content-length': '0' })],
  ['a length of 0 to POST', 'POST', withStatus(201, { 'content-length': '0' })],
  ['304', 'GET', withStatus(304, { etag: '"1"' })],
  ['HEAD', 'HEAD', withStatus(200)],
  ['HEAD that tells the length of what it does not send', 'HEAD', withStatus(200, { 'content-length': '5000' })],
  ['204 that claims to be encoded', 'GET', withStatus(204, { 'content-encoding': 'gzip' })],
];

const readings: readonly (readonly [name: string, read: Reading])[] = [
  ['text', ({ body }) => body.text()],
  ['bytes', ({ body }) => body.bytes()],
  ['for await', ({ body }) => Array.fromAsync(body)],
  ['stream', ({ body }) => Array.fromAsync(body.stream())],
  ['discard', ({ body }) => body.discard()],
];

async function openWith(answer: Answer) {
  const server = await kept(openServer((_request, response) => answer(response)));
  const egress = openEgress();
  const send = (method = 'GET') => egress.request({ url: `http://kept.example:${server.port}/`, method });
  return { server, egress, send };
}

describe('the connection of an answer without a body', () => {
  const cases = empty.flatMap(([name, method, answer]) =>
    [...readings, ['nothing', async () => undefined] as const].map(
      ([how, read]) => [name, how, method, answer, read] as const,
    ),
  );

  it.each(cases)('%s, read by %s, takes the next request at once', async (_name, _how, method, answer, read) => {
    const { server, egress, send } = await openWith(answer);
    for (let count = 0; count < TIMES; count += 1) await read(await send(method));
    expect(server.requests).toHaveLength(TIMES);
    expect(server.connections()).toBe(1);
    await until(() => egress.stats().requests === 0);
    expect(egress.stats()).toEqual({ requests: 0, connections: 1, idle: 1, waiting: 0 });
  });

  it.each(readings)('that only shows by its end, read by %s, takes the next request at once', async (_how, read) => {
    const { server, send } = await openWith(withStatus(200, { 'transfer-encoding': 'chunked' }));
    for (let count = 0; count < TIMES; count += 1) await read(await send());
    expect(server.connections()).toBe(1);
  });

  // undici takes the length for a promise, and drops the connection when nothing follows.
  it('304 that tells the length of what it does not send is no failure, on a connection of its own', async () => {
    const { server, send } = await openWith(withStatus(304, { 'content-length': '5' }));
    for (let count = 0; count < 3; count += 1) {
      const { status, body } = await send();
      expect([status, await body.text()]).toEqual([304, '']);
    }
    expect(server.connections()).toBe(3);
  });

  it('is closed where the server says so', async () => {
    const { server, send } = await openWith(withStatus(204, { connection: 'close' }));
    await (await send()).body.text();
    await (await send()).body.text();
    expect(server.connections()).toBe(2);
    await until(() => server.open() === 0);
  });
});

describe('the connection of a body', () => {
  const sizes = [1, 1_000, 65_536, 1_000_000];
  const whole = readings.filter(([how]) => how !== 'discard');

  it.each(sizes.flatMap((size) => whole.map(([how, read]) => [size, how, read] as const)))(
    'of %i bytes that %s has read takes the next request at once',
    async (size, _how, read) => {
      const { server, send } = await openWith(withStatus(200, {}, 'x'.repeat(size)));
      for (let count = 0; count < 5; count += 1) await read(await send());
      expect(server.connections()).toBe(1);
    },
  );

  it('that a caller leaves in the middle is closed, as what is left on it is unknown', async () => {
    const { server, egress, send } = await openWith((response) => {
      response.writeHead(200).write('the beginning');
    });
    const leaving: readonly Reading[] = [
      async ({ body }) => {
        const parts = body[Symbol.asyncIterator]();
        await parts.next();
        await parts.return?.();
      },
      async ({ body }) => {
        const reader = body.stream().getReader();
        await reader.read();
        await reader.cancel();
      },
    ];
    for (const [index, leave] of leaving.entries()) {
      await leave(await send());
      await until(() => server.open() === 0);
      expect(server.connections()).toBe(index + 1);
    }
    expect(egress.stats().connections).toBe(0);
  });

  it('that a caller leaves when all of it has come stays open', async () => {
    const { server, send } = await openWith(withStatus(200, {}, 'all of it'));
    for (let count = 0; count < 3; count += 1) {
      const parts = (await send()).body[Symbol.asyncIterator]();
      await parts.next();
      await parts.return?.();
    }
    expect(server.connections()).toBe(1);
  });

  it('that broke a limit is closed, though all of it has come', async () => {
    const { server, egress } = await openWith(withStatus(200, {}, '1234567890'));
    const url = `http://kept.example:${server.port}/`;
    const { body } = await egress.request({ url, maxBodyBytes: 9 });
    expect(await failureOf(body.text())).toMatchObject({ code: 'EGRESS_BODY_TOO_LARGE' });
    await until(() => server.open() === 0);
  });
});
