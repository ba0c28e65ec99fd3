import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { Secret } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources, type ResourceToken } from '@tenon/resources';
import { mysql } from '@tenon/resources/drivers/mysql';
import { postgres, type SqlOptions } from '@tenon/resources/drivers/postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import { elsewhere, openListener, type Listener } from '../../support/open-listener.ts';
import { inTenant } from '../../support/open-resources.ts';
import { createTestVault } from '../../support/test-vault.ts';

const PASSWORD = 'canary-of-sql';
const credentials = { login: 'db-login' };
const SSL_REQUEST = '\x00\x00\x00\x08\x04\xd2\x16\x2f';

const vault = createTestVault();
vault.put('acme', 'db-login', PASSWORD);

/** Asks for the password in plain text, as a PostgreSQL may that speaks no TLS. */
function greedyPostgres(socket: Socket): void {
  socket.on('data', (bytes: Buffer) => {
    const isQuestion = bytes.toString('latin1') === SSL_REQUEST;
    socket.write(isQuestion ? 'N' : Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
  });
}

// Protocol 10 without CLIENT_SSL in its capabilities: long password, protocol 4.1, secure connection, plugin authentication.
const CAPABILITIES = 0x0008_8201;

/** Greets as a MySQL that speaks no TLS. */
function plainMysql(socket: Socket): void {
  const capabilities = Buffer.alloc(4);
  capabilities.writeUInt32LE(CAPABILITIES);
  const payload = Buffer.concat([
    Buffer.from('\x0a8.0.0\0\x01\0\0\0abcdefgh\0', 'latin1'),
    capabilities.subarray(0, 2),
    Buffer.from([33, 2, 0]),
    capabilities.subarray(2),
    Buffer.from([21, ...Array.from({ length: 10 }, () => 0)]),
    Buffer.from('ijklmnopqrst\0mysql_native_password\0', 'latin1'),
  ]);
  socket.write(Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload]));
}

type Define = (name: string, options: SqlOptions) => ResourceToken;

const servers: readonly [name: string, define: Define, answer: (socket: Socket) => void, question: string][] = [
  ['PostgreSQL', postgres, greedyPostgres, SSL_REQUEST],
  ['MySQL', mysql, plainMysql, ''],
];

describe.each(servers)('a %s on another machine that speaks no TLS', (_name, define, answer, question) => {
  const fail = async (host: string, { port }: Listener, more: SqlOptions = {}) => {
    const createBackoff = { initialMs: 1, maxMs: 1 };
    const where = { host, port, database: 'orders', credentials, connectTimeoutMs: 300 };
    const token = define('orders-db', { ...where, pool: { max: 1, createBackoff }, ...more });
    const resources = createResources({ define: [token], vault });
    onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
    return failureOf(inTenant('acme', () => resources.acquire(token)));
  };

  it('gets nothing but the question whether it speaks it', async (context) => {
    for (const tls of [undefined, { mode: 'verify-full' }, { mode: 'require' }] as const) {
      const listener = await openListener(answer);
      const failure = await fail(elsewhere(context), listener, tls === undefined ? {} : { tls });
      expect(failure).toMatchObject({ code: 'RESOURCE_INITIALIZATION_FAILED', retryable: false });
      expect(listener.received()).toBe(question.repeat(listener.connections()));
      expect(inspect(failure, { depth: 9 })).not.toContain(PASSWORD);
    }
  });

  it('is told of with what to do', async (context) => {
    const failure = await fail(elsewhere(context), await openListener(answer), { tls: { mode: 'require' } });
    expect(failure.cause).toMatchObject({ code: 'RESOURCE_TLS_REQUIRED', retryable: false });
    expect((failure.cause as Error).message).toContain('"tls": { "mode": "disable" }');
  });

  it('is spoken to in plain text where somebody says that nobody can listen', async (context) => {
    const listener = await openListener(answer);
    await fail(elsewhere(context), listener, { tls: { mode: 'disable' } });
    expect(listener.received()).toContain('app\0');
  });

  it('is connected to at the address that was looked at, and not at what its name leads to then', async () => {
    const listener = await openListener(answer);
    const host = 'db.acme.example';
    const retrieve: typeof vault.retrieve = async () => ({
      kind: 'database',
      version: 1,
      secret: new Secret(PASSWORD),
      value: { host, port: listener.port, database: 'orders', username: 'app' },
      expiresAt: undefined,
    });
    const resolver = () => Promise.resolve(['127.0.0.1']);
    const where = { allowPrivate: ['127.0.0.0/8'], resolver, tls: { mode: 'disable' }, connectTimeoutMs: 300 } as const;
    const token = define('orders-db', { ...where, credentials, pool: { max: 1 } });
    const resources = createResources({ define: [token], vault: { retrieve } });
    onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
    await failureOf(inTenant('acme', () => resources.acquire(token)));
    expect(listener.received()).toContain('app\0');
  });

  it('on this machine is spoken to in plain text', async () => {
    const listener = await openListener(answer);
    await fail('127.0.0.1', listener);
    expect(listener.received()).toContain('app\0');
  });
});
