import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { redis, type RedisOptions } from '@tenon/resources/drivers/redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../support/make-certificate.ts';
import { elsewhere, openListener } from '../../support/open-listener.ts';
import { inTenant } from '../../support/open-resources.ts';
import { LoginVault, quick } from '../redis/open-redis.ts';

const PASSWORD = 'canary-of-redis';
const credentials = { login: 'cache-login' };
const explained = '"tls": { "mode": "disable" }';

const vault = new LoginVault();
vault.put('cache-login', 'app', PASSWORD);

/** Acquires once, and gives what that fails with. */
async function acquire(options: RedisOptions): Promise<unknown> {
  const token = redis('cache', { ...quick, maxReconnects: 0, ...options });
  const resources = createResources({ define: [token], vault });
  onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
  return inTenant('acme', () => resources.acquire(token)).catch((error: unknown) => error);
}

/** Answers as a Redis that lets everybody in, and is a cluster of one node. */
function speakRedis(socket: Socket, node: { readonly host: string; readonly port: number }): void {
  const slots = `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$${node.host.length}\r\n${node.host}\r\n:${node.port}\r\n$1\r\na\r\n`;
  socket.on('data', (bytes: Buffer) => {
    // One command after the other: an array of bulk strings each.
    for (const command of bytes.toString('latin1').split(/(?=\*\d+\r\n\$)/)) {
      const words = command.split('\r\n').filter((_, index) => index > 0 && index % 2 === 0);
      const [name = '', what = ''] = words.map((word) => word.toUpperCase());
      if (name === 'CLUSTER' && what === 'SLOTS') socket.write(slots);
      else if (name === 'INFO') socket.write('$17\r\nredis_version:7.0\r\n');
      else if (name !== '') socket.write('+OK\r\n');
    }
  });
}

describe('a Redis on another machine', () => {
  it.each([
    ['a credential', (url: string) => ({ url, credentials })],
    ['a password in its address', (url: string) => ({ url: url.replace('//', `//app:${PASSWORD}@`) })],
    [
      'a cluster of which one node is there',
      (url: string) => ({ url: 'redis://localhost', nodes: [url], cluster: true, credentials }),
    ],
  ] as const)('is refused without TLS before anything is sent, with %s', async (_what, settings) => {
    const listener = await openListener();
    for (const host of [
      'redis',
      'redis.acme.example',
      '192.0.2.7',
      '[2001:db8::7]',
      '127.0.0.1.acme.example',
      '127.0.0.999',
    ]) {
      const failure = await failureOf(() => redis('cache', settings(`redis://${host}:${listener.port}`)));
      expect(failure, host).toMatchObject({ code: 'RESOURCE_TLS_REQUIRED', retryable: false });
      expect(failure.message).toContain(explained);
      expect(inspect(failure, { depth: 9 })).not.toContain(PASSWORD);
    }
    expect(listener.connections()).toBe(0);
  });

  it('is refused by a registration and a reload as well, before anything is sent', async (context) => {
    const listener = await openListener();
    const url = `redis://${elsewhere(context)}:${listener.port}`;
    const token = redis('cache', { url: 'redis://localhost', credentials });
    const resources = createResources({ define: [token], vault });
    onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
    resources.register(token, { scope: { tenant: 'acme' }, config: { url } });
    const failure = await failureOf(inTenant('acme', () => resources.acquire(token)));
    expect(failure.cause).toMatchObject({ code: 'RESOURCE_TLS_REQUIRED' });
    resources.reload(token, { config: { url } });
    expect((await failureOf(inTenant('umbrella', () => resources.acquire(token)))).cause).toMatchObject({
      code: 'RESOURCE_TLS_REQUIRED',
    });
    expect(listener.connections()).toBe(0);
  });

  it('may be spoken to in plain text where somebody says that nobody can listen', async (context) => {
    const listener = await openListener((socket) => speakRedis(socket, { host: '', port: 0 }));
    const url = `redis://${elsewhere(context)}:${listener.port}`;
    expect(await acquire({ url, credentials, tls: { mode: 'disable' } })).not.toBeInstanceOf(Error);
    expect(listener.received()).toContain(PASSWORD);
  });

  it('needs no TLS where there is no secret to send', async (context) => {
    const listener = await openListener((socket) => speakRedis(socket, { host: '', port: 0 }));
    expect(await acquire({ url: `redis://${elsewhere(context)}:${listener.port}` })).not.toBeInstanceOf(Error);
  });

  it('gets its login in TLS, and none when its certificate is not trusted', async (context) => {
    const made = makeCertificate('redis.acme.example');
    if (made === undefined) return context.skip('there is no openssl to make a certificate with');
    const listener = await openListener((socket) => speakRedis(socket, { host: '', port: 0 }), made);
    const url = `rediss://${elsewhere(context)}:${listener.port}`;
    const refused = await acquire({ url, credentials });
    expect(refused).toMatchObject({ cause: { code: 'RESOURCE_TLS_FAILED' } });
    expect(listener.received()).toBe('');
    const tls = { ca: made.certificate, serverName: 'redis.acme.example' };
    expect(await acquire({ url, credentials, tls })).not.toBeInstanceOf(Error);
    expect(listener.received()).toContain(PASSWORD);
    return undefined;
  });
});

describe('a Redis on this machine', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '[::1]'])('needs no TLS: %s', (host) => {
    expect(() => redis('cache', { url: `redis://${host}`, credentials })).not.toThrow();
  });

  it('that leads to nodes elsewhere sends them no login', async (context) => {
    const node = await openListener((socket) => speakRedis(socket, { host: elsewhere(context), port: node.port }));
    const seed = await openListener((socket) => speakRedis(socket, { host: elsewhere(context), port: node.port }));
    const url = `redis://127.0.0.1:${seed.port}`;
    const face = await acquire({ url, cluster: true, credentials });
    expect(face).not.toBeInstanceOf(Error);
    await (face as { get(key: string): Promise<unknown> }).get('key');
    expect(seed.received()).toContain(PASSWORD);
    expect(node.received()).toContain('get');
    expect(node.received()).not.toContain(PASSWORD);
  });

  it('sends them the login of a rotation no more than the first one, and does where it was allowed', async (context) => {
    for (const tls of [undefined, { mode: 'disable' }] as const) {
      const node = await openListener((socket) => speakRedis(socket, { host: elsewhere(context), port: node.port }));
      const seed = await openListener((socket) => speakRedis(socket, { host: elsewhere(context), port: node.port }));
      const changing = new LoginVault();
      changing.put('cache-login', 'app', 'first-canary');
      const url = `redis://127.0.0.1:${seed.port}`;
      const token = redis('cache', {
        ...quick,
        url,
        cluster: true,
        credentials,
        ...(tls === undefined ? {} : { tls }),
      });
      const resources = createResources({ define: [token], vault: changing });
      onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
      const face = await inTenant('acme', () => resources.acquire(token));
      await face.get('key');
      changing.put('cache-login', 'app', 'second-canary');
      await inTenant('acme', () => resources.credentialChanged({ id: 'cache-login', change: 'rotated' }));
      expect(node.received().includes('second-canary')).toBe(tls !== undefined);
      expect(node.received().includes('first-canary')).toBe(tls !== undefined);
    }
  });
});

describe('settings of TLS', () => {
  it.each([
    { url: 'rediss://redis.acme.example', tls: { mode: 'disable' } },
    { url: 'redis://redis.acme.example', tls: { mode: 'disable', ca: 'x' } },
    { url: 'redis://localhost', tls: {} },
  ] as const)('that contradict each other are refused: %o', async (options) => {
    const failure = await failureOf(() => redis('cache', options));
    expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { setting: 'tls' } });
  });
});
