import { Secret } from '@tenon/core';
import { postgresInvalidation } from '@tenon/credentials/drivers/postgres-invalidation';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invalidationContract } from './invalidation-contract.ts';

const url = process.env['TENON_TEST_POSTGRES_URL'];

describe.skipIf(url === undefined)('invalidation through PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)', () => {
  const server = new URL(url ?? 'postgres://localhost');
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client({ connectionString: server.href });
    await client.connect();
  });
  afterAll(() => client.end());

  invalidationContract({
    server,
    defaultPort: 5432,
    make(port, settings) {
      const through = new URL(server);
      through.hostname = '127.0.0.1';
      through.port = String(port);
      return postgresInvalidation({ url: new Secret(through.href), tls: { mode: 'disable' }, ...settings });
    },
    async send(channel, text) {
      await client.query('select pg_notify($1, $2)', [channel, text]);
    },
    async kill(ports) {
      const killed = await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where client_port = any ($1)',
        [ports],
      );
      expect(killed.rowCount).toBe(1);
    },
  });
});

describe('the options of an invalidation through PostgreSQL', () => {
  it.each(['http://localhost/db', 'nonsense', ''])('do not take %j for a url, and do not show it', (wrong) => {
    const make = (): unknown => postgresInvalidation({ url: `${wrong}hunter2` });
    expect(make).toThrow(
      expect.objectContaining({
        code: 'CREDENTIALS_OPTIONS_INVALID',
        details: { option: 'url' },
        message: expect.not.stringContaining('hunter2'),
      }),
    );
  });

  it('take an sslmode that says how to protect the connection, and no other', () => {
    for (const mode of ['disable', 'require', 'verify-full']) {
      expect(() => postgresInvalidation({ url: `postgres://localhost/db?sslmode=${mode}` })).not.toThrow();
    }
    expect(() => postgresInvalidation({ url: 'postgres://localhost/db?sslmode=prefer' })).toThrow(
      expect.objectContaining({ details: { option: 'url' } }),
    );
    expect(() => postgresInvalidation({ url: 'postgres://localhost/db', tls: { mode: 'maybe' as 'require' } })).toThrow(
      expect.objectContaining({ details: { option: 'tls' } }),
    );
  });
});
