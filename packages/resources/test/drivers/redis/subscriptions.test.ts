import { failureOf } from '@tenon/core/testing';
import { describe, expect, it } from 'vitest';
import { clusterUrl, collect, openRedis, plainClient, redisUrl, until } from './open-redis.ts';

describe.each([
  ['a Redis', redisUrl, false],
  ['a Redis Cluster', clusterUrl, true],
] as const)('a subscription in %s', (_, url, cluster) => {
  const open = (): ReturnType<typeof openRedis> => openRedis({ url: url ?? '', cluster });

  describe.skipIf(url === undefined)('of a borrower', () => {
    it('hears what is published, in order for each channel, after it began', async () => {
      const store = await open().face();
      await store.publish('a', 'too early');
      const subscription = await store.subscribe(['a', 'b']);
      const { events } = collect(subscription);
      for (let index = 0; index < 100; index += 1) await store.publish(index % 2 === 0 ? 'a' : 'b', String(index));
      await store.publish('c', 'elsewhere');
      await until(() => expect(events).toHaveLength(100));
      for (const wanted of ['a', 'b']) {
        const numbers = events.flatMap((event) =>
          event.type === 'message' && event.channel === wanted ? [Number(event.message)] : [],
        );
        expect(numbers).toEqual(Array.from({ length: 50 }, (__, index) => index * 2 + (wanted === 'a' ? 0 : 1)));
      }
      await subscription.stop();
    });

    it('hears by a pattern, and takes names for names without one', async () => {
      const store = await open().face();
      await using pattern = await store.subscribe('room:*', { pattern: true });
      await using name = await store.subscribe('room:*');
      const [byPattern, byName] = [collect(pattern), collect(name)];
      await store.publish('room:1', 'one');
      await store.publish('room:*', 'star');
      await until(() => expect(byPattern.events).toHaveLength(2));
      await until(() => expect(byName.events).toEqual([{ type: 'message', channel: 'room:*', message: 'star' }]));
      expect(byPattern.events.map((event) => event.type === 'message' && event.channel)).toEqual(['room:1', 'room:*']);
    });

    it('ends when it is stopped, by its reader, by a signal, and not with others of the same channel', async () => {
      const store = await open().face();
      const stop = new AbortController();
      const [one, two, three, four] = await Promise.all([
        store.subscribe('news'),
        store.subscribe('news', { signal: stop.signal }),
        store.subscribe('news'),
        store.subscribe('news'),
      ]);
      const reading = (async () => {
        for await (const event of three) return event;
        return undefined;
      })();
      const [first, second, last] = [collect(one), collect(two), collect(four)];
      await store.publish('news', 'a');
      await until(() =>
        expect([first.events, second.events, last.events].map(({ length }) => length)).toEqual([1, 1, 1]),
      );
      expect(await reading).toMatchObject({ message: 'a' });
      await one.stop();
      await one.stop();
      stop.abort();
      expect(await Promise.all([first.done, second.done])).toEqual([undefined, undefined]);
      await store.publish('news', 'b');
      await until(() => expect(last.events).toHaveLength(2));
      expect([first.events, second.events].map(({ length }) => length)).toEqual([1, 1]);
      expect(await three[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
      await four.stop();
      expect((await (await store.subscribe('news', { signal: stop.signal }))[Symbol.asyncIterator]().next()).done).toBe(
        true,
      );
    });

    it('keeps no more than it may for a slow reader, and tells how many are missing', async () => {
      const store = await open().face();
      await using subscription = await store.subscribe('news', { maxBuffered: 3 });
      await using witness = await store.subscribe('news');
      const { events } = collect(witness);
      for (let index = 0; index < 10; index += 1) await store.publish('news', String(index));
      await until(() => expect(events).toHaveLength(10));
      const reader = subscription[Symbol.asyncIterator]();
      expect((await reader.next()).value).toEqual({ type: 'gap', reason: 'overflow', dropped: 7 });
      expect([(await reader.next()).value, (await reader.next()).value, (await reader.next()).value]).toMatchObject([
        { message: '7' },
        { message: '8' },
        { message: '9' },
      ]);
      for (const maxBuffered of [0, 1.5, 1_000_001]) {
        expect((await failureOf(store.subscribe('news', { maxBuffered }))).code).toBe('RESOURCE_VALUE_INVALID');
      }
      expect((await failureOf(store.subscribe([]))).code).toBe('RESOURCE_VALUE_INVALID');
    });

    it('ends with its lease: at once when that is taken away, with the next event after it was given back', async () => {
      const { face, resources } = open();
      const [gone, other] = await Promise.all([face(), face()]);
      const given = collect(await gone.subscribe('news'));
      const taken = collect(await other.subscribe('news'));
      gone.lease.release();
      await other.publish('news', 'a');
      expect(await given.done).toMatchObject({ code: 'LEASE_RELEASED' });
      expect(given.events).toEqual([]);
      await until(() => expect(taken.events).toHaveLength(1));
      await resources.close({ timeoutMs: 0 });
      expect(await taken.done).toBeInstanceOf(Error);
    });
  });
});

describe.skipIf(redisUrl === undefined)('the connection of subscriptions', () => {
  it('is one for all, apart from that of commands, and is gone with the last of them', async () => {
    const { face } = openRedis({ url: redisUrl ?? '' });
    const store = await face();
    const plain = plainClient(redisUrl ?? '');
    const listeners = async (): Promise<number> => {
      const channels = (await plain.call('PUBSUB', [
        'CHANNELS',
        `${store.keyPrefix.replaceAll(/[[\]*?]/g, String.raw`\$&`)}*`,
      ])) as string[];
      return channels.length;
    };
    const subscriptions = await Promise.all(['a', 'b', 'c'].map((channel) => store.subscribe(channel)));
    expect(await listeners()).toBe(3);
    await Promise.all(subscriptions.slice(1).map((one) => one.stop()));
    expect(await listeners()).toBe(1);
    expect(await store.get('key')).toBeUndefined();
    await subscriptions[0]?.stop();
    await until(async () => expect(await listeners()).toBe(0));
    await using again = await store.subscribe('d');
    expect(await listeners()).toBe(1);
    expect(again).toBeDefined();
  });
});
