import { Secret } from '@tenon/core';
import { createDatabase, type DatabaseOptions } from '@tenon/database';
import { describe, expect, it } from 'vitest';

const url = 'postgres://ann:hunter2@db.example.org:5432/shop';

describe('the options of a database', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['url', 'neither is given', {}],
    ['url', 'both are given', { url, dataDir: 'memory' }],
    ['url', 'it is no URL', { url: 'hunter2' }],
    ['url', 'it is one of another database', { url: 'mysql://ann:hunter2@localhost/shop' }],
    ['url', 'its password is badly encoded', { url: 'postgres://ann:hunter2%zz@localhost/shop' }],
    ['url', 'its host is badly encoded', { url: 'postgres://ann:hunter2@%zz/shop' }],
    ['url', 'its sslmode is unknown', { url: `${url}?sslmode=prefer` }],
    ['dataDir', 'it is empty', { dataDir: '' }],
    ['dataDir', 'it holds NUL', { dataDir: 'a\0b' }],
    ['tls', 'its mode is unknown', { url, tls: { mode: 'maybe' } }],
    ['tls', 'its authority is no certificate', { url, tls: { mode: 'verify-full', ca: 'ca.pem' } }],
    ['tls', 'the database is embedded', { dataDir: 'memory', tls: { mode: 'require' } }],
    ['snapshot', 'the database is a server', { url, snapshot: new Blob([]) }],
    ['snapshot', 'the database is in a folder', { dataDir: 'folder', snapshot: new Blob([]) }],
    ['poolMax', 'it is zero', { url, poolMax: 0 }],
    ['poolMax', 'it is too large', { url, poolMax: 1001 }],
    ['poolMax', 'it is wrong, though the embedded database does not use it', { dataDir: 'memory', poolMax: -1 }],
    ['acquireTimeoutMs', 'it is zero', { url, acquireTimeoutMs: 0 }],
    ['acquireTimeoutMs', 'it is too large', { url, acquireTimeoutMs: 600_001 }],
    ['idleTimeoutMs', 'it is too small', { url, idleTimeoutMs: 999 }],
    ['statementTimeoutMs', 'it is negative', { url, statementTimeoutMs: -1 }],
    ['statementTimeoutMs', 'it is no whole number', { url, statementTimeoutMs: 0.5 }],
    ['connectDeadlineMs', 'it is no number', { url, connectDeadlineMs: Number.NaN }],
    ['applicationName', 'it is empty', { url, applicationName: '' }],
    ['applicationName', 'it is longer than the server keeps', { url, applicationName: 'x'.repeat(64) }],
    ['applicationName', 'the server would garble it', { url, applicationName: 'größe' }],
  ])('are refused by the name "%s" when %s, without showing the password', (option, _problem, options) => {
    let thrown: unknown;
    try {
      createDatabase(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'DATABASE_OPTIONS_INVALID', details: { option } });
    expect(String(thrown)).toContain(`"${option}"`);
    expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toContain('hunter2');
  });

  it.each<[string, DatabaseOptions]>([
    ['a URL as text', { url }],
    ['a URL as a secret', { url: new Secret(url) }],
    ['the other scheme', { url: 'postgresql://localhost/shop' }],
    ['a socket of this machine', { url: 'postgres:///shop?host=/var/run/postgresql' }],
    [
      'the limits themselves',
      {
        url,
        poolMax: 1000,
        acquireTimeoutMs: 600_000,
        idleTimeoutMs: 1_000,
        statementTimeoutMs: 0,
        connectDeadlineMs: 0,
      },
    ],
    ['a folder', { dataDir: '.tenon/database' }],
    ['memory with a snapshot', { dataDir: 'memory', snapshot: new Blob([]) }],
  ])('may be %s, and nothing is reached before it is asked for', async (_what, options) => {
    const database = createDatabase(options);
    expect(database.driver).toBe(options.url === undefined ? 'pglite' : 'postgres');
    expect(database.statistics()).toEqual({
      total: 0,
      idle: 0,
      waiting: 0,
      max: options.dataDir === undefined ? (options.poolMax ?? 10) : 1,
    });
    await database.close();
  });
});

describe('a database that is closed', () => {
  it('closes again, and refuses everything by name', async () => {
    const database = createDatabase({ dataDir: 'memory' });
    await database.close();
    await database.close();
    for (const call of [
      () => database.ready(),
      () => database.ping(),
      () => database.migrate([]),
      () => database.withSystem('test', () => Promise.resolve()),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    }
  });
});
