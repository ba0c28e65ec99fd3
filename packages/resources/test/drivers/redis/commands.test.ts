import { randomUUID } from 'node:crypto';
import { failureOf } from '@tenon/core/testing';
import { Cluster, Redis } from 'ioredis';
import { redis } from '@tenon/resources/drivers/redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRedis } from '../../../../../scripts/services/redis.ts';
import { clusterUrl, openRedis, plainClient, redisUrl } from './open-redis.ts';

describe.each([
  ['a Redis', redisUrl, false],
  ['a Redis Cluster', clusterUrl, true],
] as const)('%s', (_, url, cluster) => {
  const open = (): ReturnType<typeof openRedis> => openRedis({ url: url ?? '', cluster });

  describe.skipIf(url === undefined)('for a borrower', () => {
    it('reads, writes and deletes values', async () => {
      const store = await open().face();
      expect(await store.get('key')).toBeUndefined();
      expect(await store.exists('key')).toBe(false);
      expect(await store.set('key', 'käse')).toBe(true);
      expect(await store.get('key')).toBe('käse');
      expect(await store.exists('key')).toBe(true);
      expect(await store.delete('key')).toBe(1);
      expect(await store.delete('key')).toBe(0);
      expect(await store.delete()).toBe(0);
      const bytes = Uint8Array.from({ length: 256 }, (__, index) => index);
      await store.set('bytes', bytes);
      expect(new Uint8Array((await store.getBytes('bytes')) ?? [])).toEqual(bytes);
      expect(await store.getBytes('none')).toBeUndefined();
      await store.set('number', 7);
      expect(await store.get('number')).toBe('7');
    });

    it('writes only if a key is absent, or only if it is present', async () => {
      const store = await open().face();
      expect(await store.set('key', 'a', { onlyIf: 'present' })).toBe(false);
      expect(await store.set('key', 'b', { onlyIf: 'absent' })).toBe(true);
      expect(await store.set('key', 'c', { onlyIf: 'absent' })).toBe(false);
      expect(await store.get('key')).toBe('b');
      expect(await store.set('key', 'd', { onlyIf: 'present', ttlMs: 60_000 })).toBe(true);
      expect(await store.get('key')).toBe('d');
    });

    it('gives keys a time limit, and tells how much of it is left', async () => {
      const store = await open().face();
      expect(await store.ttlMs('key')).toBeUndefined();
      await store.set('key', 'a');
      expect(await store.ttlMs('key')).toBe(Infinity);
      expect(await store.expire('key', 60_000)).toBe(true);
      expect(await store.expire('none', 60_000)).toBe(false);
      const leftMs = (await store.ttlMs('key')) ?? 0;
      expect(leftMs).toBeGreaterThan(50_000);
      expect(leftMs).toBeLessThanOrEqual(60_000);
      await store.set('brief', 'a', { ttlMs: 20 });
      await expect.poll(() => store.get('brief'), { interval: 10 }).toBeUndefined();
      for (const ttlMs of [0, -1, 0.5, Number.NaN]) {
        expect((await failureOf(store.set('key', 'b', { ttlMs }))).code).toBe('RESOURCE_VALUE_INVALID');
        expect((await failureOf(store.expire('key', ttlMs))).code).toBe('RESOURCE_VALUE_INVALID');
      }
      expect(await store.get('key')).toBe('a');
    });

    it('counts up and down', async () => {
      const store = await open().face();
      expect(await store.increment('count')).toBe(1);
      expect(await store.increment('count', 41)).toBe(42);
      expect(await store.decrement('count')).toBe(41);
      expect(await store.decrement('count', 1_000)).toBe(-959);
      await Promise.all(Array.from({ length: 100 }, () => store.increment('many')));
      expect(await store.get('many')).toBe('100');
    });

    it('reads any keys together, in order', async () => {
      const store = await open().face();
      await store.set('a', '1');
      await store.set('c', '3');
      expect(await store.getMany(['c', 'b', 'a'])).toEqual(['3', undefined, '1']);
      expect(await store.getMany([])).toEqual([]);
    });

    it('keeps hashes and sets', async () => {
      const store = await open().face();
      expect(await store.hashSet('h', { a: '1', b: 2, c: Buffer.from('3') })).toBe(3);
      expect(await store.hashSet('h', { a: '9' })).toBe(0);
      expect(await store.hashGet('h', 'a')).toBe('9');
      expect(await store.hashGet('h', 'none')).toBeUndefined();
      expect(await store.hashDelete('h', 'b', 'none')).toBe(1);
      expect(await store.hashGetAll('h')).toEqual({ a: '9', c: '3' });
      expect(await store.hashGetAll('none')).toEqual({});
      expect(await store.setAdd('s', 'x', 'y', 'x')).toBe(2);
      expect(await store.setRemove('s', 'y', 'z')).toBe(1);
      expect(await store.setMembers('s')).toEqual(['x']);
      expect(await store.setHas('s', 'x')).toBe(true);
      expect(await store.setHas('s', 'y')).toBe(false);
    });

    it('does several things with nothing in between, under the prefix', async () => {
      const { face, keyPrefix } = open();
      const store = await face();
      const results = await store.multi((all) => {
        all.set('{m}a', '1', { ttlMs: 60_000, onlyIf: 'absent' });
        all.get('{m}a');
        all.increment('{m}n', 5);
        all.decrement('{m}n', 2);
        all.expire('{m}n', 60_000);
        all.hashSet('{m}h', { f: 'x' });
        all.hashGet('{m}h', 'f');
        all.hashDelete('{m}h', 'f');
        all.setAdd('{m}s', 'x');
        all.setRemove('{m}s', 'x');
        all.delete('{m}a');
        all.delete();
      });
      expect(results).toEqual(['OK', '1', 5, 3, 1, 1, 'x', 1, 1, 1, 1]);
      expect(await Array.fromAsync(store.scan())).toEqual(['{m}n']);
      expect(store.keyPrefix).toBe(`${keyPrefix}tenant=acme:`);
      expect(await store.multi(() => undefined)).toEqual([]);
      await store.set('{m}text', 'text');
      const failure = await failureOf(
        store.multi((all) => {
          all.increment('{m}text');
          all.set('{m}done', 'yes');
        }),
      );
      expect(failure).toMatchObject({ code: 'RESOURCE_COMMAND_REFUSED', retryable: false });
      expect(await store.get('{m}done')).toBe('yes');
    });

    it('runs scripts, known to the server or not, whose keys have the prefix', async () => {
      const store = await open().face();
      const script = `-- ${randomUUID()}\nredis.call('SET', KEYS[1], ARGV[1])\nreturn {KEYS[1], redis.call('GET', KEYS[1])}`;
      for (const value of ['first', 'second']) {
        expect(await store.eval(script, { keys: ['k'], arguments: [value] })).toEqual([`${store.keyPrefix}k`, value]);
        expect(await store.get('k')).toBe(value);
      }
      expect(await store.eval('return 7')).toBe(7);
    });

    it('walks over its keys, by a pattern of them', async () => {
      const store = await open().face();
      const keys = Array.from({ length: 60 }, (__, index) => `key-${index}`);
      await Promise.all([...keys, 'other'].map((key) => store.set(key, '1')));
      expect(new Set(await Array.fromAsync(store.scan({ match: 'key-*', count: 10 })))).toEqual(new Set(keys));
      expect(new Set(await Array.fromAsync(store.scan()))).toEqual(new Set([...keys, 'other']));
      expect(await Array.fromAsync(store.scan({ match: 'key-7' }))).toEqual(['key-7']);
    });

    it('hands out the client, with the prefix before keys', async () => {
      const store = await open().face();
      expect(store.client).toBeInstanceOf(cluster ? Cluster : Redis);
      await store.client.rpush('list', 'a', 'b');
      expect(await store.client.lrange('list', 0, -1)).toEqual(['a', 'b']);
      expect(await Array.fromAsync(store.scan())).toEqual(['list']);
    });

    it('says what the server refused, without the values', async () => {
      const store = await open().face();
      await store.setAdd('set', 'x');
      const failure = await failureOf(store.get('set'));
      expect(failure).toMatchObject({
        code: 'RESOURCE_COMMAND_REFUSED',
        retryable: false,
        details: { answer: 'WRONGTYPE' },
      });
      const unknown = await failureOf(store.eval(`return redis.call('NO-SUCH', 'the-secret-value')`));
      expect(JSON.stringify([unknown, unknown.message, String(unknown.cause)])).not.toContain('the-secret-value');
    });

    it('keeps tenants apart: no key, script, scan, pattern or channel of one reaches another', async () => {
      const { face } = open();
      const [acme, evil] = await Promise.all([face('acme'), face('evil')]);
      expect(acme.client).not.toBe(evil.client);
      await acme.set('{t}secret', 'of acme');
      await using channel = await evil.subscribe('news');
      await using pattern = await evil.subscribe('*', { pattern: true });
      const heard = [channel, pattern].map((one) => one[Symbol.asyncIterator]().next());
      await acme.publish('news', 'of acme');
      await acme.multi((all) => all.publish('news', 'of acme, too'));
      await evil.publish('news', 'of evil');

      expect(await Promise.all(heard)).toMatchObject([
        { value: { message: 'of evil' } },
        { value: { message: 'of evil' } },
      ]);
      expect(await evil.get('{t}secret')).toBeUndefined();
      expect(await evil.getMany(['{t}secret'])).toEqual([undefined]);
      expect(await evil.eval(`return redis.call('GET', KEYS[1])`, { keys: ['{t}secret'] })).toBeNull();
      expect(await evil.multi((all) => all.get('{t}secret'))).toEqual([null]);
      expect(await evil.delete('{t}secret')).toBe(0);
      for (const match of ['*', '../*', '*secret*', 'acme*', `${acme.keyPrefix}*`]) {
        expect(await Array.fromAsync(evil.scan({ match }))).toEqual([]);
      }
      expect(await acme.get('{t}secret')).toBe('of acme');
    });

    it('keeps every tenant to its own key whatever the key is', async () => {
      const { face } = open();
      const [a, b] = await Promise.all([face('a'), face('a-b')]);
      const keys = ['', 'tenant=a:', 'b:k', '-b:k', '*', '[k]', '\\', '\n', 'ключ', '{x', '}{'];
      for (const key of keys) await a.set(key, 'a');
      for (const key of keys) expect(await b.get(key)).toBeUndefined();
      expect(await Array.fromAsync(b.scan())).toEqual([]);
      expect(new Set(await Array.fromAsync(a.scan()))).toEqual(new Set(keys));
    });

    it('takes a prefix with the signs of patterns for what it is', async () => {
      const id = randomUUID();
      const [star, plain] = [`${id}*[a]?\\`, `${id}-anything-a1`].map((keyPrefix) =>
        openRedis({ url: url ?? '', cluster, keyPrefix }),
      );
      const [wild, other] = await Promise.all([star?.face(), plain?.face()]);
      await other?.set('key', '1');
      await wild?.set('mine', '1');
      expect(await Array.fromAsync(wild?.scan() ?? [])).toEqual(['mine']);
    });

    it('tells that what it should do lies in different slots, and what to do about it', async () => {
      const store = await open().face();
      const works = [
        () => store.delete('a', 'b', 'c'),
        () => store.multi((all) => ['a', 'b', 'c'].forEach((key) => all.set(key, '1'))),
        () => store.eval('return 1', { keys: ['a', 'b', 'c'] }),
      ];
      const outcomes = await Promise.allSettled(works.map((work) => work()));
      const reasons = outcomes.map((one) => (one.status === 'rejected' ? one.reason : undefined));
      const expected = {
        code: 'RESOURCE_CROSS_SLOT',
        retryable: false,
        message: expect.stringContaining('{cart-7}:items'),
      };
      expect(reasons).toMatchObject(works.map(() => (cluster ? expected : undefined)));
    });

    it('looks healthy, as each node answers', async () => {
      const { face, resources } = open();
      await face();
      expect(await resources.check()).toMatchObject([{ health: { status: 'healthy' } }]);
    });
  });
});

describe('a step of a scan', () => {
  it('looks at as many keys as it is told to', async (context) => {
    const started = await startRedis();
    if (!started.available) return context.skip(started.reason);
    onTestFinished(() => started.server.stop());
    const store = await openRedis({ url: started.server.url }).face();
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => store.set(`key-${index}`, '1')));
    const steps: number[] = [];
    for (const options of [{ count: 1_000 }, { count: 10 }, {}]) {
      await store.client.config('RESETSTAT');
      expect(new Set(await Array.fromAsync(store.scan(options))).size).toBe(1_000);
      steps.push(Number(/cmdstat_scan:calls=(\d+)/.exec(await store.client.info('commandstats'))?.[1]));
    }
    const [many = 0, few = 0, usual = 0] = steps;
    expect(many).toBeLessThanOrEqual(2);
    expect(few).toBeGreaterThan(50);
    expect(usual).toBeGreaterThan(many);
    expect(usual).toBeLessThan(few);
    return undefined;
  });
});

describe('the definition of a Redis', () => {
  it('is as it is told to be', () => {
    const given = {
      version: '2.1.0',
      health: { intervalMs: 500 },
      pool: { createTimeoutMs: 700 },
      isolation: 'action',
    } as const;
    const { version, definition } = redis('cache', { url: 'redis://localhost', ...given });
    expect({ version, health: definition.health, pool: definition.pool, isolation: definition.isolation }).toEqual(
      given,
    );
    expect(redis('cache', { url: 'redis://localhost' })).toMatchObject({
      version: '1.0.0',
      technology: 'redis',
      definition: { use: 'shared', isolation: 'tenant', credentials: {}, hidden: ['url', 'nodes'] },
    });
  });
});

describe.skipIf(redisUrl === undefined)('the settings of a Redis', () => {
  it('put the number of the database into the address', async () => {
    const url = new URL(redisUrl ?? '');
    url.pathname = '/3';
    const { face, keyPrefix } = openRedis({ url: url.href });
    await (await face()).set('key', 'in 3');
    const plain = plainClient(redisUrl ?? '');
    expect(await plain.get(`${keyPrefix}tenant=acme:key`)).toBeNull();
    await plain.select(3);
    expect(await plain.get(`${keyPrefix}tenant=acme:key`)).toBe('in 3');
    await plain.del(`${keyPrefix}tenant=acme:key`);
  });

  it('keep scopes apart as narrow as they say', async () => {
    const { token, resources } = openRedis({ url: redisUrl ?? '', isolation: 'workflow' });
    await using one = await resources.acquire(token, { tenant: 'acme', workflow: 'w1' });
    await using two = await resources.acquire(token, { tenant: 'acme', workflow: 'w2' });
    await one.set('key', '1');
    expect(await two.get('key')).toBeUndefined();
    expect(one.keyPrefix).toMatch(/tenant=acme\/workflow=w1:$/);
  });
});

describe.skipIf(clusterUrl === undefined)('the settings of a Redis Cluster', () => {
  it('name further nodes, for when the first one is not there', async () => {
    const { face } = openRedis({ url: 'redis://127.0.0.1:1', nodes: [clusterUrl ?? ''], cluster: true });
    expect(await (await face()).set('key', 'a')).toBe(true);
  });

  it('make it a cluster, which a single client is not', async () => {
    const { face } = openRedis({ url: clusterUrl ?? '' });
    const store = await face();
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((key) => store.set(key, '1')));
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(new Set(codes)).toEqual(new Set(['RESOURCE_UNAVAILABLE']));
  });
});
