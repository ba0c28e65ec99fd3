import { randomBytes } from 'node:crypto';
import { describeDrivers } from '@tenon/database/testing';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startProcess } from '../processes/start-process.ts';

describe.runIf(describeDrivers().includes('postgres'))('migrations on PostgreSQL', () => {
  it('are applied once each when four processes start together on an empty database', async () => {
    const server = process.env['TENON_TEST_POSTGRES_URL'] ?? '';
    const name = `tenon_test_${randomBytes(8).toString('hex')}`;
    const admin = new pg.Client({ connectionString: server });
    await admin.connect();
    await admin.query(`create database ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;

    const children = Array.from({ length: 4 }, () => startProcess('migrate.ts', url.href));
    const lines = await Promise.all(children.map((child) => child.nextLine()));
    const codes = await Promise.all(children.map((child) => child.finish()));

    expect(codes).toEqual([0, 0, 0, 0]);
    const applied = lines.flatMap((line) => JSON.parse(line ?? '') as string[]);
    expect(applied).toHaveLength(new Set(applied).size);
    expect(applied.filter((label) => label.startsWith('shared/'))).toHaveLength(12);
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const { rows } = await client.query<{ count: string }>('select count(*) from shared_12');
    expect(rows).toEqual([{ count: '1' }]);
    const recorded = await client.query<{ count: string }>('select count(*) from tenon_migrations');
    expect(recorded.rows).toEqual([{ count: String(applied.length) }]);
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
});
