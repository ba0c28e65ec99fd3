import { currentContext, runInContext, systemClock, type Clock, type LogFields } from '@tenon/core';
import { codeOf, createTestClock, type TestClock } from '@tenon/core/testing';
import { apiKey, credentials, keyText, type CredentialVault } from '@tenon/credentials';
import type {
  ConnectedInvalidation,
  PostgresInvalidationOptions,
} from '@tenon/credentials/drivers/postgres-invalidation';
import { KeyRing } from '@tenon/crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { aMoment } from '../audit/spied-audit.ts';
import { createMemoryLogger, type LogLine } from '../vault/support/open-vault.ts';
import { spyStorage } from '../vault/support/spied-storage.ts';
import { breakableProxy, type BreakableProxy } from './breakable-proxy.ts';

export type InvalidationSettings = Omit<PostgresInvalidationOptions, 'url' | 'tls'>;

/** What a driver is tested with. */
export interface InvalidationUnderTest {
  readonly server: URL;
  readonly defaultPort: number;
  /** Makes one that reaches the server at a port of this machine. */
  make(port: number, settings: InvalidationSettings): ConnectedInvalidation;
  /** Sends something on a channel, as another program would. */
  send(channel: string, text: string): Promise<void>;
  /** Has the server end the connections that come from some ports. */
  kill(ports: readonly number[]): Promise<void>;
}

const key = (id: string) => keyText({ tenant: 'main', scope: 'org:acme', id });
const soon = { timeout: 10_000, interval: 2 };
let channels = 0;

/** One end of an invalidation, of which a test sees everything. */
interface End {
  readonly invalidation: ConnectedInvalidation;
  readonly proxy: BreakableProxy;
  readonly heard: string[];
  readonly log: LogLine[];
}

export function invalidationContract(under: InvalidationUnderTest): void {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });
  const newChannel = (): string => `tenon_test_${process.pid}_${Date.now()}_${(channels += 1)}`;

  const open = async (channel: string, settings: InvalidationSettings = {}): Promise<End> => {
    const proxy = await breakableProxy(under.server, under.defaultPort);
    const log: LogLine[] = [];
    const invalidation = under.make(proxy.port, { channel, logger: createMemoryLogger(log), ...settings });
    cleanups.push(
      () => proxy.close(),
      () => invalidation.close(),
    );
    const heard: string[] = [];
    invalidation.subscribe({ changed: (one) => heard.push(one), missed: () => heard.push('missed') });
    return { invalidation, proxy, heard, log };
  };
  const connected = async (channel: string, settings: InvalidationSettings = {}): Promise<End> => {
    const end = await open(channel, settings);
    await end.invalidation.ready();
    end.heard.splice(0);
    return end;
  };
  const hears = ({ heard }: End, what: string) => vi.waitUntil(() => heard.includes(what), soon);

  describe('two vaults on one storage', () => {
    const reference = { scope: 'org:acme', id: 'github' };
    const read = async (vault: CredentialVault) => (await vault.retrieve(reference))?.secret.reveal();

    const twoVaults = async () => {
      const storage = spyStorage({ isShared: true });
      const channel = newChannel();
      const ring = KeyRing.generate();
      const ends = [await connected(channel), await connected(channel)] as const;
      const [here, there] = ends.map(({ invalidation }) =>
        credentials().storage(storage).keys(ring).tenant('main').cache({}).invalidation(invalidation).build(),
      ) as [CredentialVault, CredentialVault];
      return { storage, ends, here, there };
    };

    it('read what the other has changed', async () => {
      const { here, there } = await twoVaults();
      for (const [change, expected] of [
        [() => here.store(reference, apiKey('first')), 'first'],
        [() => here.store(reference, apiKey('second')), 'second'],
        [() => here.rotate(reference, apiKey('third')), 'third'],
        [() => here.delete(reference), undefined],
      ] as const) {
        await read(there);
        await change();
        await expect.poll(() => read(there), soon).toBe(expected);
      }
    });

    it('go on having a cache', async () => {
      const { here, there, storage } = await twoVaults();
      await here.store(reference, apiKey('x'));
      await read(here);
      await aMoment();
      storage.reset();
      for (const vault of [here, here, here]) expect(await read(vault)).toBe('x');
      expect(storage.calls).toEqual([]);
      expect(await read(there)).toBe('x');
    });

    it('forget everything when the server had ended the connections, and serve nothing from before', async () => {
      const { here, there, ends } = await twoVaults();
      await here.store(reference, apiKey('old'));
      await hears(ends[1], key('github'));
      expect(await read(there)).toBe('old');
      // The change is made while the other cannot hear of it.
      ends[1].proxy.cut({ refuse: true });
      await here.store(reference, apiKey('new'));
      await vi.waitUntil(() => ends[1].log.some(({ level }) => level === 'warn'), soon);
      expect(await read(there)).toBe('old');
      ends[1].proxy.mend();
      await hears(ends[1], 'missed');
      expect(await read(there)).toBe('new');
      for (const end of ends) {
        end.heard.splice(0);
        await under.kill(end.proxy.ports());
        await hears(end, 'missed');
      }
      await here.store(reference, apiKey('newer'));
      await hears(ends[1], key('github'));
      expect(await read(there)).toBe('newer');
    });
  });

  it('tells that something may have been missed once it is connected, before anything else', async () => {
    const channel = newChannel();
    const sender = await connected(channel);
    const late = await open(channel);
    sender.invalidation.publish(key('a'));
    await late.invalidation.ready();
    sender.invalidation.publish(key('b'));
    await hears(late, key('b'));
    expect(late.heard[0]).toBe('missed');
    expect(late.heard.filter((one) => one === 'missed')).toHaveLength(1);
  });

  it('tells so after each broken connection, before what comes then', async () => {
    const channel = newChannel();
    const sender = await connected(channel);
    const listener = await connected(channel);
    for (const id of ['a', 'b', 'c']) {
      listener.heard.splice(0);
      listener.proxy.cut();
      await vi.waitUntil(() => listener.heard.length > 0, soon);
      sender.invalidation.publish(key(id));
      await hears(listener, key(id));
      expect(listener.heard).toEqual(['missed', key(id)]);
    }
  });

  it('does so although others never stop', async () => {
    const channel = newChannel();
    const events: string[] = [];
    const logger = { ...createMemoryLogger([]), warn: () => void events.push('broken') };
    const { invalidation, proxy } = await open(channel, { logger, random: () => 0 });
    invalidation.subscribe({ changed: () => events.push('changed'), missed: () => events.push('missed') });
    const count = (what: string): number => events.filter((one) => one === what).length;
    const others = new AbortController();
    const sending = sendUntil(others.signal, channel);
    try {
      for (let time = 1; time <= 20; time += 1) {
        const before = count('changed');
        await vi.waitUntil(() => count('changed') > before, soon);
        proxy.cut();
        await vi.waitUntil(() => count('broken') >= time, soon);
      }
      await vi.waitUntil(() => events.at(-1) !== 'broken', soon);
    } finally {
      others.abort();
      await sending;
    }
    const after = events.filter((_, at) => events[at - 1] === 'broken');
    expect(new Set(after)).toEqual(new Set(['missed']));
  });

  const sendUntil = async (signal: AbortSignal, channel: string): Promise<void> => {
    for (let at = 0; !signal.aborted; at += 1) await under.send(channel, key(`id-${at}`));
  };

  it('tells everybody in this process at once, and does not tell them again', async () => {
    const channel = newChannel();
    const { invalidation, heard } = await connected(channel);
    const other = await connected(channel);
    invalidation.publish(key('a'));
    expect(heard).toEqual([key('a')]);
    other.invalidation.publish(key('b'));
    await vi.waitUntil(() => heard.includes(key('b')), soon);
    expect(heard).toEqual([key('a'), key('b')]);
    await hears(other, key('a'));
  });

  it('tells nobody who has ended the subscription', async () => {
    const channel = newChannel();
    const { invalidation } = await connected(channel);
    const other = await connected(channel);
    const heard: string[] = [];
    const end = other.invalidation.subscribe({ changed: (one) => heard.push(one), missed: () => undefined });
    end();
    end();
    invalidation.publish(key('a'));
    await hears(other, key('a'));
    other.invalidation.publish(key('b'));
    expect(heard).toEqual([]);
  });

  it('goes on telling the others when one listener throws', async () => {
    const channel = newChannel();
    const { invalidation, log, heard } = await connected(channel);
    invalidation.subscribe({
      changed() {
        throw new Error('broken listener');
      },
      missed: () => undefined,
    });
    const last: string[] = [];
    invalidation.subscribe({ changed: (one) => last.push(one), missed: () => undefined });
    invalidation.publish(key('a'));
    expect([heard, last]).toEqual([[key('a')], [key('a')]]);
    expect(log).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'a listener of the invalidation failed' }),
    );
  });

  it('is heard on its own channel alone', async () => {
    const [here, there] = [await connected(newChannel()), await connected(newChannel())];
    here.invalidation.publish(key('a'));
    there.invalidation.publish(key('b'));
    const third = await connected(newChannel());
    third.invalidation.publish(key('c'));
    expect([here.heard, there.heard, third.heard]).toEqual([[key('a')], [key('b')], [key('c')]]);
  });

  it('uses the channel tenon_credentials when none is named', async () => {
    const proxy = await breakableProxy(under.server, under.defaultPort);
    const invalidation = under.make(proxy.port, {});
    cleanups.push(
      () => proxy.close(),
      () => invalidation.close(),
    );
    const heard: string[] = [];
    invalidation.subscribe({ changed: (one) => heard.push(one), missed: () => undefined });
    await invalidation.ready();
    await under.send('tenon_credentials', key('by-hand'));
    await expect.poll(() => heard, soon).toContain(key('by-hand'));
  });

  it('hears a key that another program sends, and takes what it cannot read for everything', async () => {
    const channel = newChannel();
    const listener = await connected(channel);
    await under.send(channel, key('a'));
    await hears(listener, key('a'));
    await under.send(channel, 'who knows what');
    await hears(listener, 'missed');
    expect(listener.heard).toEqual([key('a'), 'missed']);
  });

  it('carries the longest key that there is', async () => {
    const channel = newChannel();
    const longest = keyText({ tenant: 't'.repeat(64), scope: `org:${'s'.repeat(508)}`, id: 'i'.repeat(255) });
    const [sender, listener] = [await connected(channel), await connected(channel)];
    sender.invalidation.publish(longest);
    await expect.poll(() => listener.heard, soon).toEqual([longest]);
  });

  it('tells each of many changes once, in a few messages’ time', async () => {
    const channel = newChannel();
    const [sender, listener] = [await connected(channel), await connected(channel)];
    const keys = Array.from({ length: 2_000 }, (_, at) => key(`id-${at}`));
    for (const one of [...keys, ...keys]) sender.invalidation.publish(one);
    await hears(listener, keys.at(-1) ?? '');
    expect(listener.heard).toEqual(keys);
  });

  it('says that everything has changed when there is more than can be listed', async () => {
    const channel = newChannel();
    const [sender, listener] = [await connected(channel), await connected(channel)];
    for (let at = 0; at <= 10_000; at += 1) sender.invalidation.publish(key(`id-${at}`));
    await hears(listener, 'missed');
    expect(listener.heard).toEqual(['missed']);
    sender.invalidation.publish(key('later'));
    await hears(listener, key('later'));
  });

  describe('without a server', () => {
    it('publishes without failing or waiting, and tells what it could not once the server is back', async () => {
      const channel = newChannel();
      const [sender, listener] = [await connected(channel), await connected(channel)];
      sender.proxy.cut({ refuse: true });
      sender.invalidation.publish(key('a'));
      await vi.waitUntil(() => sender.log.filter(({ level }) => level === 'warn').length >= 2, soon);
      sender.invalidation.publish(key('b'));
      expect(listener.heard).toEqual([]);
      sender.proxy.mend();
      await hears(listener, key('b'));
      expect(listener.heard).toEqual([key('a'), key('b')]);
    });

    it('waits longer and longer between tries, up to 5 seconds, and by chance', async () => {
      for (const share of [1, 0.5]) {
        const clock = createTestClock();
        const end = await openUnreachable(clock, { random: () => share });
        const waits = await waitsOf(end, clock, 9);
        expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000].map((ms) => ms * share));
      }
    });

    it('begins with short waits again after a connection that held', async () => {
      const clock = createTestClock();
      const end = await openUnreachable(clock, { random: () => 1 });
      await waitsOf(end, clock, 4);
      end.proxy.mend();
      await clock.advance(1_600);
      await end.invalidation.ready();
      await clock.advance(10_000);
      await aMoment();
      end.proxy.cut({ refuse: true });
      end.log.splice(0);
      expect(await waitsOf(end, clock, 2)).toEqual([100, 200]);
    });

    it('lets whoever waits for it give up, also when it was there before', async () => {
      for (const end of [await openUnreachable(systemClock), await connected(newChannel())]) {
        end.proxy.cut({ refuse: true });
        await vi.waitUntil(() => end.log.some(({ level }) => level === 'warn'), soon);
        const caller = new AbortController();
        const waiting = codeOf(end.invalidation.ready(caller.signal));
        await aMoment();
        caller.abort();
        expect(await waiting).toBe('CREDENTIAL_ABORTED');
        end.proxy.mend();
        await end.invalidation.ready();
      }
    });

    it('tries on outside of the context of whoever used it first', async () => {
      const contexts: unknown[] = [];
      const random = (): number => {
        contexts.push(currentContext());
        return 0;
      };
      const proxy = await breakableProxy(under.server, under.defaultPort);
      proxy.cut({ refuse: true });
      const invalidation = under.make(proxy.port, { channel: newChannel(), random });
      cleanups.push(
        () => proxy.close(),
        () => invalidation.close(),
      );
      runInContext({ requestId: 'req-1' }, () => invalidation.publish(key('a')));
      await vi.waitUntil(() => contexts.length > 0, soon);
      expect(contexts[0]).toBeUndefined();
      proxy.mend();
    });

    const openUnreachable = async (clock: Clock, settings: InvalidationSettings = {}): Promise<End> => {
      const end = await open(newChannel(), { clock, ...settings });
      end.proxy.cut({ refuse: true });
      return end;
    };
    const waitsOf = async ({ log }: End, clock: TestClock, count: number): Promise<readonly unknown[]> => {
      const waits = (): readonly LogFields[] => log.filter(({ level }) => level === 'warn').map(({ fields }) => fields);
      for (let seen = 1; seen <= count; seen += 1) {
        await vi.waitUntil(() => waits().length >= seen, soon);
        await clock.advance(Number(waits()[seen - 1]?.['waitMs']));
      }
      return waits()
        .slice(0, count)
        .map(({ waitMs }) => waitMs);
    };
  });

  describe('on a connection that has died silently', () => {
    it('notices by its heartbeat, connects again, and says that something may have been missed', async () => {
      const channel = newChannel();
      const clock = createTestClock();
      const listener = await connected(channel, { clock, heartbeatMs: 7_000, timeoutMs: 1_500 });
      await clock.advance(6_999);
      listener.proxy.freeze();
      await clock.advance(1);
      expect(listener.log).toEqual([]);
      const before = listener.proxy.connections();
      await clock.advance(1_499);
      expect(listener.log).toEqual([]);
      await clock.advance(1);
      listener.proxy.mend();
      expect(listener.log).toMatchObject([{ level: 'warn', fields: { err: { code: 'DEADLINE_EXCEEDED' } } }]);
      await clock.advance(100);
      await hears(listener, 'missed');
      expect(listener.proxy.connections()).toBeGreaterThan(before);
    });

    it('goes on beating', async () => {
      const clock = createTestClock();
      const delays: number[] = [];
      const schedule: Clock['schedule'] = (callback, delayMs) => {
        delays.push(delayMs);
        return clock.schedule(callback, delayMs);
      };
      const settings = { clock: { ...clock, schedule }, heartbeatMs: 7_000, timeoutMs: 1_500 };
      const listener = await connected(newChannel(), settings);
      for (const beats of [1, 2, 3]) {
        await vi.waitUntil(() => delays.filter((one) => one === 7_000).length === beats, soon);
        if (beats < 3) await clock.advance(7_000);
      }
      listener.proxy.freeze();
      await clock.advance(8_500);
      expect(listener.log).toMatchObject([{ level: 'warn', fields: { err: { code: 'DEADLINE_EXCEEDED' } } }]);
      listener.proxy.cut();
    });

    it('sends again what it could not send, within its time', async () => {
      const channel = newChannel();
      const clock = createTestClock();
      const listener = await connected(channel);
      const sender = await connected(channel, { clock, timeoutMs: 1_500 });
      sender.proxy.freeze();
      sender.invalidation.publish(key('a'));
      await clock.advance(1_500);
      sender.proxy.mend();
      await clock.advance(100);
      await expect.poll(() => listener.heard, soon).toContain(key('a'));
    });

    it('beats every ten seconds, and waits five, when nothing is said', async () => {
      const clock = createTestClock();
      const listener = await connected(newChannel(), { clock });
      listener.proxy.freeze();
      await clock.advance(14_999);
      expect(listener.log).toEqual([]);
      await clock.advance(1);
      expect(listener.log).toHaveLength(1);
      listener.proxy.cut();
    });

    it('gives up a server that takes the connection and says nothing', async () => {
      const end = await open(newChannel(), { timeoutMs: 100 });
      end.proxy.freeze();
      await vi.waitUntil(() => end.log.filter(({ level }) => level === 'warn').length >= 2, soon);
      end.proxy.cut();
      await end.invalidation.ready();
      expect(end.heard).toEqual(['missed']);
    });
  });

  describe('closing', () => {
    it('tells first what was still to be told', async () => {
      const channel = newChannel();
      const [sender, listener] = [await connected(channel), await connected(channel)];
      sender.invalidation.publish(key('a'));
      await sender.invalidation.close();
      await expect.poll(() => listener.heard, soon).toEqual([key('a')]);
    });

    it('does so also for what is on its way', async () => {
      const channel = newChannel();
      const [sender, listener] = [await connected(channel), await connected(channel)];
      sender.proxy.hold();
      sender.invalidation.publish(key('a'));
      await aMoment();
      const closing = sender.invalidation.close();
      await aMoment();
      sender.proxy.mend();
      await closing;
      await expect.poll(() => listener.heard, soon).toEqual([key('a')]);
      expect(sender.log).toEqual([]);
    });

    it('does so although it was never connected before', async () => {
      const channel = newChannel();
      const listener = await connected(channel);
      const sender = await open(channel);
      sender.invalidation.publish(key('a'));
      await sender.invalidation.close();
      await expect.poll(() => listener.heard, soon).toEqual([key('a')]);
    });

    it('gives that up after its time, and says so', async () => {
      const clock = createTestClock();
      const sender = await connected(newChannel(), { clock, timeoutMs: 1_500 });
      sender.proxy.cut({ refuse: true });
      sender.invalidation.publish(key('a'));
      const closing = sender.invalidation.close();
      await clock.advance(1_500);
      await closing;
      expect(sender.log.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('were not told') });
      expect(clock.pending()).toBe(0);
    });

    it('leaves nothing open, any number of times', async () => {
      const clock = createTestClock();
      const { invalidation, proxy } = await connected(newChannel(), { clock });
      expect(proxy.ports()).not.toEqual([]);
      await Promise.all([invalidation.close(), invalidation.close()]);
      await invalidation.close();
      expect(clock.pending()).toBe(0);
      await vi.waitUntil(() => proxy.ports().length === 0, soon);
    });

    it('is at once over for one that was never used', async () => {
      const proxy = await breakableProxy(under.server, under.defaultPort);
      cleanups.push(() => proxy.close());
      await under.make(proxy.port, {}).close();
      expect(proxy.connections()).toBe(0);
    });

    it('ends the waiting for a connection, and any further use', async () => {
      const end = await open(newChannel());
      end.proxy.cut({ refuse: true });
      const waiting = codeOf(end.invalidation.ready());
      await end.invalidation.close();
      expect(await waiting).toBe('CREDENTIALS_CLOSED');
      expect(await codeOf(end.invalidation.ready())).toBe('CREDENTIALS_CLOSED');
      end.invalidation.publish(key('a'));
      expect(end.heard).toContain(key('a'));
      expect(end.log.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('was not told') });
    });
  });

  it.each<[string, InvalidationSettings]>([
    ['channel', { channel: 'with-dash' }],
    ['channel', { channel: '9a' }],
    ['channel', { channel: '' }],
    ['channel', { channel: 'a'.repeat(64) }],
    ['heartbeatMs', { heartbeatMs: 99 }],
    ['heartbeatMs', { heartbeatMs: 600_001 }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: 1.5 }],
  ])('refuses a wrong %s', (option, settings) => {
    expect(() => under.make(1, settings)).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } }),
    );
  });
}
