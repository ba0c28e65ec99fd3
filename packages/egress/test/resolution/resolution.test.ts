import { createTestClock, failureOf } from '@tenon/core/testing';
import { describe, expect, it } from 'vitest';
import { kept, loopback, openEgress, openLog, until } from '../support/open-egress.ts';
import { openServer } from '../support/test-server.ts';

const openHello = (address?: string) =>
  kept(openServer((_request, response) => void response.end('hello'), address === undefined ? {} : { address }));

/** A resolver that gives these answers in turn, the last one for ever. */
function answering(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolver = (name: string): Promise<readonly string[]> => {
    asked.push(name);
    return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1] ?? []);
  };
  return { asked, resolver };
}

describe('a name', () => {
  it('is resolved once for a request, and the checked address is the one connected to', async () => {
    const [outside, inside] = [await openHello('127.0.0.1'), await openHello('127.0.0.2')];
    const { asked, resolver } = answering(['127.0.0.1'], ['127.0.0.2']);
    const egress = openEgress({ resolver, policy: { ...loopback, deny: ['127.0.0.2'] } });
    const response = await egress.request({ url: `http://rebind.example:${outside.port}/` });
    expect(response.remoteAddress).toBe('127.0.0.1');
    expect(asked).toEqual(['rebind.example']);
    expect([outside.connections(), inside.connections()]).toEqual([1, 0]);
    await response.body.discard();
  });

  it('that leads inside the second time is refused then, idle connection or not', async () => {
    const server = await openHello();
    const { resolver } = answering(['127.0.0.1'], ['169.254.169.254']);
    const egress = openEgress({ resolver, resolutionTtlMs: 0 });
    const url = `http://rebind.example:${server.port}/`;
    expect(await (await egress.request({ url })).body.text()).toBe('hello');
    expect((await failureOf(egress.request({ url }))).code).toBe('EGRESS_ADDRESS_FORBIDDEN');
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [['127.0.0.1', '10.0.0.1']],
    [['10.0.0.1', '127.0.0.1']],
    [['127.0.0.1', '::ffff:127.0.0.1']],
    [['127.0.0.1', 'fd00:ec2::254']],
    [['127.0.0.1', 'not an address']],
    [['127.0.0.1', 'fe80::1%lo']],
  ])('that leads to %j is refused whole, and nobody is connected to', async (addresses) => {
    const server = await openHello();
    const egress = openEgress({ resolver: () => Promise.resolve(addresses) });
    const failure = await failureOf(egress.request({ url: `http://mixed.example:${server.port}/` }));
    expect(failure).toMatchObject({
      code: 'EGRESS_ADDRESS_FORBIDDEN',
      retryable: false,
      details: { host: 'mixed.example', mayHaveBeenSent: false },
    });
    expect(server.connections()).toBe(0);
  });

  it('that is refused says why in the log alone', async () => {
    const { lines, logger } = openLog();
    const egress = openEgress({ logger, resolver: () => Promise.resolve(['10.1.2.3']) });
    const failure = await failureOf(egress.request({ url: 'http://inside.example/' }));
    expect(`${failure.message}${JSON.stringify(failure)}${String(failure.cause)}`).not.toMatch(/10\.1|private/);
    expect(lines).toContainEqual({
      level: 'warn',
      fields: { host: 'inside.example', address: '10.1.2.3', reason: 'private' },
      message: 'a host leads to a forbidden address',
    });
  });

  it.each([
    ['ENOTFOUND', false],
    ['EAI_AGAIN', true],
    ['ESERVFAIL', true],
  ])('that cannot be resolved (%s) is worth another try: %s', async (code, retryable) => {
    const egress = openEgress({ resolver: () => Promise.reject(Object.assign(new Error('dns'), { code })) });
    expect(await failureOf(egress.request({ url: 'http://missing.example/' }))).toMatchObject({
      code: 'EGRESS_NAME_NOT_FOUND',
      retryable,
      details: { host: 'missing.example', mayHaveBeenSent: false },
    });
  });

  it('without addresses does not exist', async () => {
    const egress = openEgress({ resolver: () => Promise.resolve([]) });
    expect(await failureOf(egress.request({ url: 'http://empty.example/' }))).toMatchObject({
      code: 'EGRESS_NAME_NOT_FOUND',
      retryable: false,
    });
  });

  it('is asked of the operating system by default', async () => {
    const server = await openHello();
    const { createEgress } = await import('@tenon/egress');
    const egress = createEgress({ policy: loopback });
    const failure = await failureOf(egress.request({ url: 'http://no-such-name.invalid/' }));
    expect(failure.code).toBe('EGRESS_NAME_NOT_FOUND');
    const response = await egress.request({ url: `http://localhost:${server.port}/` });
    expect(await response.body.text()).toBe('hello');
    await egress.close();
  });

  it('that is not resolved in time fails, and the resolver hears of it', async () => {
    const clock = createTestClock();
    let signal: AbortSignal | undefined;
    const egress = openEgress({
      clock,
      resolveTimeoutMs: 700,
      resolver: (_name, options) => new Promise(() => (signal = options.signal)),
    });
    const failing = failureOf(egress.request({ url: 'http://slow.example/' }));
    await clock.advance(699);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await failing).toMatchObject({
      code: 'EGRESS_TIMEOUT',
      retryable: true,
      details: { phase: 'resolve', timeoutMs: 700, mayHaveBeenSent: false },
    });
    expect(signal?.aborted).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it('is resolved again when its answer has grown old', async () => {
    const clock = createTestClock();
    const server = await openHello();
    const { asked, resolver } = answering(['127.0.0.1']);
    const egress = openEgress({ clock, resolver, resolutionTtlMs: 2_000 });
    const get = async () => (await egress.request({ url: `http://cached.example:${server.port}/` })).body.text();
    await get();
    await clock.advance(1_999);
    await get();
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    await get();
    expect(asked).toHaveLength(2);
  });

  it('is asked once for all who ask at the same time, and again after a failure', async () => {
    const server = await openHello();
    let asked = 0;
    const egress = openEgress({
      resolver: async () => {
        asked += 1;
        if (asked === 1) throw Object.assign(new Error('dns'), { code: 'EAI_AGAIN' });
        return ['127.0.0.1'];
      },
    });
    const get = async () => (await egress.request({ url: `http://one.example:${server.port}/` })).body.text();
    expect((await failureOf(Promise.all([get(), get(), get()]))).code).toBe('EGRESS_NAME_NOT_FOUND');
    expect(asked).toBe(1);
    expect(await Promise.all([get(), get(), get()])).toEqual(['hello', 'hello', 'hello']);
    expect(asked).toBe(2);
  });

  it('is not waited for once the caller has left', async () => {
    const egress = openEgress({ resolver: () => new Promise(() => undefined) });
    const leaving = new AbortController();
    const failing = failureOf(egress.request({ url: 'http://slow.example/', signal: leaving.signal }));
    await until(() => egress.stats().requests === 1);
    leaving.abort(new Error('gone'));
    expect(await failing).toMatchObject({
      code: 'EGRESS_ABORTED',
      retryable: false,
      details: { mayHaveBeenSent: false },
    });
    expect(egress.stats().requests).toBe(0);
  });
});
