import { createTestClock, failureOf } from '@tenon/core/testing';
import type { Egress } from '@tenon/egress';
import { describe, expect, it } from 'vitest';
import { kept, openEgress, until } from '../support/open-egress.ts';
import { openServer, openTcpServer, type TestServer } from '../support/test-server.ts';

const openHello = () => kept(openServer((_request, response) => void response.end('hello')));
const get = async (egress: Egress, { port }: TestServer, host = 'kept.example'): Promise<string> => {
  const response = await egress.request({ url: `http://${host}:${port}/` });
  return response.body.text();
};

/** A server that answers when it is told to. */
async function openWaiting() {
  const answers: (() => void)[] = [];
  const server = await kept(openServer((_request, response) => void answers.push(() => response.end('hello'))));
  return { server, answers };
}

describe('a connection', () => {
  it('is used again by the next request', async () => {
    const server = await openHello();
    const egress = openEgress();
    for (let count = 0; count < 5; count += 1) expect(await get(egress, server)).toBe('hello');
    expect(server.connections()).toBe(1);
    expect(egress.stats()).toEqual({ requests: 0, connections: 1, idle: 1, waiting: 0 });
  });

  it('is not shared by names, even on the same address', async () => {
    const server = await openHello();
    const egress = openEgress();
    await get(egress, server, 'one.example');
    await get(egress, server, 'two.example');
    expect(server.connections()).toBe(2);
  });

  it('is not shared by policies', async () => {
    const server = await openHello();
    await get(openEgress(), server);
    await get(openEgress(), server);
    expect(server.connections()).toBe(2);
  });

  it('is closed when its name does not lead to its address any more', async () => {
    const server = await kept(openServer((_request, response) => void response.end('hello'), { address: '0.0.0.0' }));
    let address = '127.0.0.1';
    const egress = openEgress({ resolutionTtlMs: 0, resolver: () => Promise.resolve([address]) });
    await get(egress, server);
    address = '127.0.0.2';
    await get(egress, server);
    expect(server.connections()).toBe(2);
    await until(() => server.open() === 1);
  });

  it('is closed when it has been idle for long', async () => {
    const clock = createTestClock();
    const server = await openHello();
    const egress = openEgress({ clock, keepAliveMs: 4_000 });
    await get(egress, server);
    await clock.advance(3_999);
    expect(server.open()).toBe(1);
    await clock.advance(1);
    await until(() => server.open() === 0);
    expect(egress.stats().connections).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  it('is not kept at all when it shall not be', async () => {
    const server = await openHello();
    const egress = openEgress({ keepAliveMs: 0 });
    await get(egress, server);
    await get(egress, server);
    expect(server.connections()).toBe(2);
    await until(() => server.open() === 0);
  });

  it('is replaced when it has become old', async () => {
    const clock = createTestClock();
    const server = await openHello();
    const egress = openEgress({ clock, maxConnectionAgeMs: 5_000, keepAliveMs: 600_000 });
    await get(egress, server);
    await clock.advance(4_999);
    await get(egress, server);
    expect(server.connections()).toBe(1);
    await clock.advance(1);
    await get(egress, server);
    expect(server.connections()).toBe(2);
  });

  it('that the server has closed is replaced without a failure', async () => {
    const server = await openHello();
    const egress = openEgress();
    for (let count = 0; count < 5; count += 1) {
      await get(egress, server);
      server.hangUp();
      await until(() => server.open() === 0);
      expect(await get(egress, server)).toBe('hello');
    }
    expect(server.requests).toHaveLength(10);
  });

  it('that the server closes once it has the request is not replaced: the request may have been done', async () => {
    let requests = 0;
    const server = await kept(
      openTcpServer((socket) =>
        socket.on('data', () => {
          requests += 1;
          if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
          else socket.destroy();
        }),
      ),
    );
    const egress = openEgress();
    await get(egress, server);
    expect(await failureOf(get(egress, server))).toMatchObject({
      code: 'EGRESS_EXCHANGE_FAILED',
      retryable: true,
      details: { mayHaveBeenSent: true },
    });
    expect(requests).toBe(2);
  });

  it('is kept for later only as often as allowed, the longest idle one going first', async () => {
    const server = await openHello();
    const egress = openEgress({ maxIdleConnections: 2 });
    for (const host of ['a.example', 'b.example', 'c.example']) await get(egress, server, host);
    expect(egress.stats().idle).toBe(2);
    await get(egress, server, 'c.example');
    await get(egress, server, 'b.example');
    expect(server.connections()).toBe(3);
    await get(egress, server, 'a.example');
    expect(server.connections()).toBe(4);
  });

  it('is waited for when there are as many as there may be, and goes to who came first', async () => {
    const { server, answers } = await openWaiting();
    const egress = openEgress({ maxConnectionsPerOrigin: 2 });
    const order: number[] = [];
    const all = Array.from({ length: 5 }, async (_, index) => {
      await get(egress, server);
      order.push(index);
    });
    await until(() => server.requests.length === 2 && egress.stats().waiting === 3);
    while (order.length < 5) {
      await until(() => answers.length > 0);
      const seen = order.length;
      answers.shift()?.();
      await until(() => order.length > seen);
    }
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(server.connections()).toBe(2);
  });

  it('is not waited for by more than allowed, nor after the caller has left', async () => {
    const { server, answers } = await openWaiting();
    const egress = openEgress({ maxConnectionsPerOrigin: 1, maxWaitingPerOrigin: 1 });
    const url = `http://busy.example:${server.port}/`;
    const first = egress.request({ url });
    await until(() => server.requests.length === 1);
    const leaving = new AbortController();
    const second = failureOf(egress.request({ url, signal: leaving.signal }));
    await until(() => egress.stats().waiting === 1);
    expect(await failureOf(egress.request({ url }))).toMatchObject({
      code: 'EGRESS_BUSY',
      retryable: true,
      details: { host: 'busy.example', mayHaveBeenSent: false },
    });
    leaving.abort();
    expect(await second).toMatchObject({ code: 'EGRESS_ABORTED', details: { mayHaveBeenSent: false } });
    answers.shift()?.();
    await (await first).body.discard();
    expect(egress.stats().waiting).toBe(0);
  });
});

describe('closing', () => {
  it('leaves no connection, and takes no more requests', async () => {
    const server = await openHello();
    const egress = openEgress();
    await Promise.all([get(egress, server), get(egress, server), get(egress, server, 'other.example')]);
    await egress.close();
    await egress.close();
    await until(() => server.open() === 0);
    expect(egress.stats()).toEqual({ requests: 0, connections: 0, idle: 0, waiting: 0 });
    const failure = await failureOf(egress.request({ url: 'http://late.example/' }));
    expect(failure).toMatchObject({ code: 'EGRESS_CLOSED', details: { mayHaveBeenSent: false } });
  });

  it('waits for what is in hand', async () => {
    const { server, answers } = await openWaiting();
    const egress = openEgress();
    const getting = get(egress, server);
    await until(() => answers.length === 1);
    let isClosed = false;
    const closing = egress.close().then(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    answers.shift()?.();
    expect(await getting).toBe('hello');
    await closing;
    await until(() => server.open() === 0);
  });

  it('ends what is in hand when its signal says so', async () => {
    const { server, answers } = await openWaiting();
    const egress = openEgress();
    const failing = failureOf(get(egress, server));
    await until(() => answers.length === 1);
    const stop = new AbortController();
    const closing = egress.close({ signal: stop.signal });
    stop.abort();
    expect(await failing).toMatchObject({ code: 'EGRESS_CLOSED', details: { mayHaveBeenSent: true } });
    await closing;
    await until(() => server.open() === 0);
  });
});
