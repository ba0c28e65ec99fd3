import { connect, Socket } from 'node:net';
import { createTestClock, failureOf } from '@tenon/core/testing';
import { createCheckedConnector } from '@tenon/egress';
import { Client } from 'undici';
import { describe, expect, it } from 'vitest';
import { kept, loopback, openEgress, openLog, until } from '../support/open-egress.ts';
import { openServer } from '../support/test-server.ts';

const openHello = (address?: string) =>
  kept(openServer((_request, response) => void response.end('hello'), address === undefined ? {} : { address }));

describe('connecting', () => {
  it('goes on to the next address when one refuses', async () => {
    const server = await openHello('127.0.0.3');
    const egress = openEgress({ resolver: () => Promise.resolve(['127.0.0.1', '127.0.0.2', '127.0.0.3']) });
    const response = await egress.request({ url: `http://three.example:${server.port}/` });
    expect(response.remoteAddress).toBe('127.0.0.3');
    await response.body.discard();
  });

  it('tries the next address beside one that is silent, the other family first', async () => {
    const clock = createTestClock();
    const server = await openHello();
    const dialled: string[] = [];
    const egress = openEgress({
      clock,
      attemptDelayMs: 100,
      resolver: () => Promise.resolve(['127.0.0.5', '127.0.0.1', '::1']),
      dial: (address, port) => {
        dialled.push(address);
        return address === '127.0.0.1' ? connect(port, address) : new Socket();
      },
    });
    const answering = egress.request({ url: `http://eyeballs.example:${server.port}/` });
    await until(() => dialled.length === 1);
    await clock.advance(99);
    expect(dialled).toEqual(['127.0.0.5']);
    await clock.advance(1);
    expect(dialled).toEqual(['127.0.0.5', '::1']);
    await clock.advance(100);
    expect(dialled).toEqual(['127.0.0.5', '::1', '127.0.0.1']);
    const response = await answering;
    expect(response.remoteAddress).toBe('127.0.0.1');
    await response.body.discard();
  });

  it('says that nothing was sent when no address can be connected to, and not which', async () => {
    const server = await openHello();
    const { port } = server;
    await server.close();
    const failure = await failureOf(openEgress().request({ url: `http://closed.example:${port}/` }));
    expect(failure).toMatchObject({
      code: 'EGRESS_CONNECT_FAILED',
      retryable: true,
      details: { host: 'closed.example', mayHaveBeenSent: false },
    });
    expect(failure.message).not.toContain('127.0.0.1');
  });

  it('is given up in time, and leaves no socket and no timer', async () => {
    const clock = createTestClock();
    const sockets: Socket[] = [];
    const egress = openEgress({
      clock,
      connectTimeoutMs: 3_000,
      resolver: () => Promise.resolve(['127.0.0.1', '127.0.0.2']),
      dial: () => {
        const socket = new Socket();
        sockets.push(socket);
        return socket;
      },
    });
    const failing = failureOf(egress.request({ url: 'http://silent.example/' }));
    await until(() => sockets.length === 1);
    await clock.advance(2_999);
    expect(egress.stats().requests).toBe(1);
    await clock.advance(1);
    expect(await failing).toMatchObject({
      code: 'EGRESS_TIMEOUT',
      details: { phase: 'connect', timeoutMs: 3_000, mayHaveBeenSent: false },
    });
    expect(sockets.map((socket) => socket.destroyed)).toEqual([true, true]);
    expect(clock.pending()).toBe(0);
  });

  it('is given up when the caller leaves', async () => {
    const sockets: Socket[] = [];
    const leaving = new AbortController();
    const egress = openEgress({
      dial: () => {
        const socket = new Socket();
        sockets.push(socket);
        return socket;
      },
    });
    const failing = failureOf(egress.request({ url: 'http://silent.example/', signal: leaving.signal }));
    await until(() => sockets.length === 1);
    leaving.abort();
    expect(await failing).toMatchObject({ code: 'EGRESS_ABORTED', details: { mayHaveBeenSent: false } });
    expect(sockets[0]?.destroyed).toBe(true);
  });

  it.each(['127.0.0.2', '::1'])('is refused when the socket has ended up at %s instead', async (elsewhere) => {
    const server = await openHello(elsewhere);
    const { lines, logger } = openLog();
    const egress = openEgress({ logger, dial: (_address, port) => connect(port, elsewhere) });
    const failure = await failureOf(egress.request({ url: `http://led-astray.example:${server.port}/` }));
    expect(failure).toMatchObject({ code: 'EGRESS_ADDRESS_FORBIDDEN', details: { mayHaveBeenSent: false } });
    expect(lines.some(({ message }) => message.includes('another address'))).toBe(true);
    await until(() => server.open() === 0);
    expect(server.requests).toEqual([]);
  });
});

describe('the connector alone', () => {
  const options = { policy: loopback, resolver: () => Promise.resolve(['127.0.0.1']) };

  it('opens checked sockets', async () => {
    const server = await openHello();
    const { socket, remoteAddress } = await createCheckedConnector(options).connect(
      `http://plain.example:${server.port}`,
    );
    expect(remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  it('refuses what the policy refuses', async () => {
    const connector = createCheckedConnector({ ...options, resolver: () => Promise.resolve(['10.0.0.1']) });
    for (const url of ['http://inside.example/', 'http://10.0.0.1/']) {
      expect((await failureOf(connector.connect(url))).code).toBe('EGRESS_ADDRESS_FORBIDDEN');
    }
    expect((await failureOf(connector.connect('ftp://a.example/'))).code).toBe('EGRESS_SCHEME_FORBIDDEN');
  });

  it('ends with the signal of its caller', async () => {
    const connector = createCheckedConnector({ ...options, dial: () => new Socket() });
    expect((await failureOf(connector.connect('http://a.example/', { signal: AbortSignal.abort() }))).code).toBe(
      'EGRESS_ABORTED',
    );
  });

  it("serves as undici's connect", async () => {
    const server = await openHello();
    const connector = createCheckedConnector(options);
    const client = new Client(`http://any.example:${server.port}`, { connect: connector.undici });
    const { body } = await client.request({ path: '/', method: 'GET' });
    expect(await body.text()).toBe('hello');
    await client.close();
    const inside = new Client('http://[::ffff:127.0.0.1]', { connect: connector.undici });
    expect((await failureOf(inside.request({ path: '/', method: 'GET' }))).code).toBe('EGRESS_ADDRESS_FORBIDDEN');
    await inside.destroy();
  });
});
