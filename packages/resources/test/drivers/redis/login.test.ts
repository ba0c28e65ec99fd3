import { randomUUID } from 'node:crypto';
import { createServer } from 'node:tls';
import { connect, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { redis } from '@tenon/resources/drivers/redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRedis } from '../../../../../scripts/services/redis.ts';
import { inTenant } from '../../support/open-resources.ts';
import {
  clusterUrl,
  collect,
  LoginVault,
  makeUser,
  openRedis,
  plainClient,
  quick,
  redisUrl,
  until,
} from './open-redis.ts';
import { makeCertificate } from '../../support/make-certificate.ts';

describe('the address of a Redis', () => {
  it('is refused when it is none, without being shown', async () => {
    const wrong = [
      'localhost:6379',
      'http://localhost',
      'redis://',
      'redis://localhost/x',
      'redis://localhost/0?password=hunter2',
      'redis://localhost#hunter2',
      'redis://a:%E0%A4%A@localhost',
    ];
    for (const url of wrong) {
      const failure = await failureOf(() => redis('cache', { url }));
      expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { setting: 'url' } });
      expect(inspect(failure)).not.toContain('hunter2');
    }
  });

  it('holds no login beside the slot for it, and none in further nodes', async () => {
    const url = 'redis://user:hunter2@localhost';
    for (const options of [
      { url, credentials: { login: 'cache-login' } },
      { url: 'redis://localhost', nodes: [url], cluster: true },
      { url: 'redis://localhost', nodes: ['rediss://localhost'], cluster: true },
      { url: 'redis://localhost', nodes: ['redis://localhost'] },
      { url: 'redis://localhost/1', cluster: true },
      { url: 'redis://localhost', tls: { serverName: 'x' } },
    ]) {
      const failure = await failureOf(() => redis('cache', options));
      expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
      expect(inspect(failure)).not.toContain('hunter2');
    }
    expect(
      (await failureOf(() => createResources({ define: [redis('cache', { url: 'redis://x', keyPrefix: '{all}' })] })))
        .code,
    ).toBe('RESOURCE_CONFIGURATION_INVALID');
  });

  it('is refused with a login by a reload as well', async () => {
    const token = redis('cache', { url: 'redis://localhost', credentials: { login: 'cache-login' } });
    const vault = new LoginVault();
    vault.put('cache-login', 'user', 'secret');
    const resources = createResources({ define: [token], vault });
    resources.reload(token, { config: { url: 'redis://user:hunter2@localhost' } });
    const failure = await failureOf(resources.acquire(token));
    expect(failure.cause).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID' });
    expect(inspect(failure, { depth: 9 })).not.toContain('hunter2');
    await resources.close();
  });
});

describe.skipIf(redisUrl === undefined)('the login of a Redis', () => {
  it('is taken from the address where there is no slot, and not shown', async () => {
    const admin = plainClient(redisUrl ?? '');
    const password = `p@ss:${randomUUID()}`;
    const user = await makeUser(admin, password);
    const url = new URL(redisUrl ?? '');
    url.username = user;
    url.password = encodeURIComponent(password);
    const { face, resources } = openRedis({ url: url.href });
    const store = await face();
    expect(await store.client.call('ACL', ['WHOAMI'])).toBe(user);
    expect(inspect(resources.list(), { depth: 9 })).not.toContain(password.slice(5));
    expect(inspect(resources.list(), { depth: 9 })).not.toContain(url.password);
    await admin.call('ACL', ['DELUSER', user]);
  });

  it('is a user with a password, or a password alone', async (context) => {
    const started = await startRedis();
    if (!started.available) return context.skip(started.reason);
    onTestFinished(() => started.server.stop());
    const admin = plainClient(started.server.url);
    await admin.config('SET', 'requirepass', 'only a password');
    const vault = new LoginVault();
    vault.put('login', undefined, 'only a password');
    vault.put('wrong', undefined, 'another one');
    const { face } = openRedis({ url: started.server.url, credentials: { login: { id: 'login' } } }, vault);
    expect(await (await face()).client.call('ACL', ['WHOAMI'])).toBe('default');
    for (const credentials of [{ credentials: { login: 'wrong' } }, {}]) {
      const refused = openRedis({ url: started.server.url, ...credentials }, vault);
      const failure = await failureOf(refused.face());
      expect(failure.cause).toMatchObject({ code: 'RESOURCE_ACCESS_DENIED', retryable: false });
      expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('another one');
    }
    return undefined;
  });

  it.each([
    ['a server', redisUrl, false],
    ['a cluster', clusterUrl, true],
  ] as const)(
    'changes under load on %s without a failed command, on the connections of now',
    async (_, url, cluster) => {
      if (url === undefined) return;
      const admin = openRedis({ url, cluster });
      const control = await admin.face('admin');
      const onAll = async (words: readonly string[]): Promise<void> => {
        const { client } = control;
        const nodes = 'nodes' in client ? client.nodes('master') : [client];
        await Promise.all(nodes.map((node) => node.call('ACL', [...words])));
      };
      const users = [`user-${randomUUID()}`, `user-${randomUUID()}`, `user-${randomUUID()}`];
      for (const user of users) await onAll(['SETUSER', user, 'on', `>password of ${user}`, '~*', '&*', '+@all']);
      const vault = new LoginVault();
      vault.put('login', users[0], `password of ${users[0]}`);
      const { face, resources } = openRedis({ ...quick, url, cluster, credentials: { login: 'login' } }, vault);
      const store = await face();
      const { client } = store;
      const heard = collect(await store.subscribe('news'));
      const over = new AbortController();
      let done = 0;
      const load = Promise.all(
        Array.from({ length: 8 }, async (__, worker) => {
          while (!over.signal.aborted) {
            await store.increment(`count-${worker}`);
            done += 1;
          }
        }),
      );
      for (const user of users.slice(1)) {
        vault.put('login', user, `password of ${user}`);
        await inTenant('acme', () => resources.credentialChanged({ id: 'login', change: 'rotated' }));
        const before = done;
        await until(() => expect(done).toBeGreaterThan(before + 50));
      }
      // The old ones may go now: nothing rests on them.
      for (const user of users.slice(0, 2)) await onAll(['DELUSER', user]);
      const before = done;
      await until(() => expect(done).toBeGreaterThan(before + 50));
      over.abort();
      await load;
      expect((await face()).client).toBe(client);
      expect(await client.call('ACL', ['WHOAMI'])).toBe(users[2]);
      await store.publish('news', 'still here');
      await until(() => expect(heard.events).toEqual([{ type: 'message', channel: 'news', message: 'still here' }]));

      // A connection that is made after the change uses the new one as well.
      for (const node of 'nodes' in client ? client.nodes('master') : [client]) node.stream.destroy();
      await until(async () => expect(await store.client.call('ACL', ['WHOAMI'])).toBe(users[2]));
      await until(() =>
        store
          .set('a', '1')
          .then(() => store.set('b', '2'))
          .then(() => store.set('c', '3')),
      );
      await resources.close({ timeoutMs: 0 });
      await onAll(['DELUSER', users[2] ?? '']);
    },
  );

  it('is of no use from the moment at which it is revoked', async () => {
    const admin = plainClient(redisUrl ?? '');
    const user = await makeUser(admin, 'secret');
    const vault = new LoginVault();
    vault.put('login', user, 'secret');
    const { face, resources } = openRedis({ url: redisUrl ?? '', credentials: { login: 'login' } }, vault);
    const store = await face();
    const { done } = collect(await store.subscribe('news'));
    const walking = store.scan()[Symbol.asyncIterator]();
    await store.set('key', '1');
    const revoking = inTenant('acme', () => resources.credentialChanged({ id: 'login', change: 'revoked' }));
    for (const work of [
      () => store.get('key'),
      () => store.set('key', '2'),
      () => store.multi((all) => all.get('key')),
      () => store.eval('return 1'),
      () => store.publish('news', 'a'),
      () => store.subscribe('news'),
      () => walking.next(),
      async () => store.client,
    ]) {
      expect((await failureOf(work)).code).toBe('RESOURCE_REVOKED');
    }
    await revoking;
    expect(await done).toMatchObject({ code: 'RESOURCE_REVOKED' });
    store.lease.release();
    await until(async () => expect(String(await admin.client('LIST'))).not.toContain(`user=${user}`));
    await admin.call('ACL', ['DELUSER', user]);
  });
});

describe.skipIf(redisUrl === undefined)('an encrypted Redis', () => {
  it('is trusted when its certificate is, for the name that it should have', async (context) => {
    const made = makeCertificate('redis.acme.example');
    if (made === undefined) return context.skip('there is no openssl to make a certificate with');
    const target = new URL(redisUrl ?? '');
    const server = createServer({ key: made.privateKey, cert: made.certificate }, (socket) => {
      const upstream = connect({ host: target.hostname, port: Number(target.port) });
      socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `rediss://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { certificate: ca } = made;

    const trusting = openRedis({ ...quick, url, tls: { ca, serverName: 'redis.acme.example' } });
    const store = await trusting.face();
    expect(await store.set('key', 'a')).toBe(true);
    await using subscription = await store.subscribe('news');
    expect(subscription).toBeDefined();

    for (const options of [{}, { tls: { ca } }, { tls: { serverName: 'redis.acme.example' } }]) {
      const failure = await failureOf(openRedis({ ...quick, url, ...options }).face());
      expect(failure.cause).toMatchObject({ code: 'RESOURCE_TLS_FAILED', retryable: false });
    }
    return undefined;
  });
});
