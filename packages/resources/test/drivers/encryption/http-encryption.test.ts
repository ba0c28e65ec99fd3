import { inspect } from 'node:util';
import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { http, type HttpOptions } from '@tenon/resources/drivers/http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../support/make-certificate.ts';
import { elsewhere, openListener } from '../../support/open-listener.ts';
import { inTenant } from '../../support/open-resources.ts';
import { openVault } from '../open-http.ts';

const TOKEN = 'canary-of-http';
const credentials = { authorization: 'api-token' };
const policy = { allowPrivate: ['127.0.0.0/8', '192.0.2.0/24', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] };
const resolver = () => Promise.resolve(['127.0.0.1']);
const ok = (socket: { write(text: string): unknown }): unknown =>
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');

const vault = openVault();
vault.put('api-token', 'bearer', TOKEN);

/** Asks once. */
async function ask(options: HttpOptions): Promise<number> {
  const token = http('shop', { policy, resolver, retry: { attempts: 1 }, ...options });
  const resources = createResources({ define: [token], vault });
  onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
  return inTenant('acme', () => resources.use(token, async (api) => (await api.get('/x')).status));
}

describe('an API on another machine', () => {
  it.each(['api', 'api.shop.example', '192.0.2.7', '[2001:db8::7]', '127.0.0.1.shop.example'])(
    'is refused without TLS before anything is sent, with a credential: %s',
    async (host) => {
      // The name leads here: it is what it says that counts, not where it leads at the moment.
      const listener = await openListener((socket) => void socket.on('data', () => ok(socket)));
      const failure = await failureOf(ask({ baseUrl: `http://${host}:${listener.port}`, credentials }));
      expect(failure).toMatchObject({ code: 'RESOURCE_TLS_REQUIRED', retryable: false });
      expect(failure.message).toContain('"tls": { "mode": "disable" }');
      expect(inspect(failure, { depth: 9 })).not.toContain(TOKEN);
      expect(listener.connections()).toBe(0);
    },
  );

  it('is refused by a registration as well, before anything is sent', async () => {
    const listener = await openListener((socket) => void socket.on('data', () => ok(socket)));
    const token = http('shop', { baseUrl: 'https://api.shop.example', credentials, policy, resolver });
    const resources = createResources({ define: [token], vault });
    onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
    const baseUrl = `http://api.shop.example:${listener.port}`;
    resources.register(token, { scope: { tenant: 'acme' }, config: { baseUrl, policy } });
    const failure = await failureOf(inTenant('acme', () => resources.acquire(token)));
    expect(failure.cause).toMatchObject({ code: 'RESOURCE_TLS_REQUIRED' });
    expect(listener.connections()).toBe(0);
  });

  it('may be spoken to in plain text where somebody says that nobody can listen', async () => {
    const listener = await openListener((socket) => void socket.on('data', () => ok(socket)));
    const baseUrl = `http://api.shop.example:${listener.port}`;
    expect(await ask({ baseUrl, credentials, tls: { mode: 'disable' } })).toBe(200);
    expect(listener.received()).toContain(`authorization: Bearer ${TOKEN}`);
  });

  it('needs no TLS where there is no credential to send', async (context) => {
    const listener = await openListener((socket) => void socket.on('data', () => ok(socket)));
    const host = elsewhere(context);
    const own = { allowPrivate: [...policy.allowPrivate, `${host}/32`] };
    expect(await ask({ baseUrl: `http://${host}:${listener.port}`, policy: own })).toBe(200);
  });

  it('gets its credential in TLS, and none when its certificate is not trusted', async (context) => {
    const made = makeCertificate('api.shop.example');
    if (made === undefined) return context.skip('there is no openssl to make a certificate with');
    const listener = await openListener((socket) => void socket.on('data', () => ok(socket)), made);
    const baseUrl = `https://api.shop.example:${listener.port}`;
    expect(await failureOf(ask({ baseUrl, credentials }))).toMatchObject({
      code: 'HTTP_UNREACHABLE',
      details: { reason: 'EGRESS_TLS_FAILED', mayHaveBeenSent: false },
    });
    expect(listener.received()).toBe('');
    expect(await ask({ baseUrl, credentials, tls: { ca: made.certificate } })).toBe(200);
    expect(listener.received()).toContain(`authorization: Bearer ${TOKEN}`);
    return undefined;
  });
});

describe('an API on this machine', () => {
  it.each(['localhost', '127.0.0.1', '127.1', '0x7f000001', '[::1]'])('needs no TLS: %s', (host) => {
    expect(() => http('shop', { baseUrl: `http://${host}:8080`, credentials })).not.toThrow();
  });
});

describe('settings of TLS', () => {
  it('that contradict the address are refused', async () => {
    const failure = await failureOf(() =>
      http('shop', { baseUrl: 'https://api.shop.example', tls: { mode: 'disable' } }),
    );
    expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { option: 'tls' } });
  });
});
