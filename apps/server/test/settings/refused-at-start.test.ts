import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toError } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { describe, expect, it } from 'vitest';
import { startLocalServer } from '../process/support/local-server.ts';
import { openPlace, type Place } from '../process/support/place.ts';
import { startServerProcess } from '../process/support/server-process.ts';

/** Starts a server that must not come up, and gives the reason. */
async function refusalOf(place: Place, settings: Readonly<Record<string, string>>): Promise<Error> {
  let server;
  try {
    server = await startLocalServer({ ...place.settings, ...settings });
  } catch (error) {
    return toError(error);
  }
  await server[Symbol.asyncDispose]();
  throw new Error('the server started');
}

describe('a setting whose fault shows only when it is used', () => {
  it('TENON_DATA_DIR that cannot be written to is named', async () => {
    await using place = await openPlace('none');
    await mkdir(place.dataDir);
    const file = join(place.dataDir, 'a-file');
    await writeFile(file, '');
    for (const dataDir of [file, join(file, 'below')]) {
      const error = await refusalOf(place, { TENON_DATA_DIR: dataDir });
      expect(error).toMatchObject({ code: 'KEYS_INVALID', message: expect.stringContaining('set TENON_DATA_DIR') });
    }
  });

  it('TENON_KEYS that are no keys are named and not shown', async () => {
    await using place = await openPlace('none');
    for (const keys of ['hunter2', 'first:hunter2hunter2', ',']) {
      const error = await refusalOf(place, { TENON_KEYS: keys });
      expect(error).toMatchObject({ code: 'KEYS_INVALID', message: expect.stringContaining('the keys in TENON_KEYS') });
      expect(error.message).toContain('tenon keys generate');
      expect(error.message).not.toContain('hunter2');
    }
  });

  it('a keys file that is damaged is named, and not replaced', async () => {
    await using place = await openPlace('none');
    await mkdir(place.dataDir);
    await writeFile(join(place.dataDir, 'keys'), 'hunter2');
    const error = await refusalOf(place, {});
    expect(error).toMatchObject({
      code: 'KEYS_INVALID',
      message: expect.stringContaining(join(place.dataDir, 'keys')),
    });
    expect(error.message).not.toContain('hunter2');
    expect(await place.read('keys')).toBe('hunter2');
  });

  it('TENON_DATABASE_CA_FILE that is missing, or holds no certificate, is named', async () => {
    await using place = await openPlace('none');
    await mkdir(place.dataDir);
    const junk = join(place.dataDir, 'junk.pem');
    await writeFile(junk, 'no certificate');
    const url = 'postgres://user:hunter2@127.0.0.1:1/name';
    for (const [file, problem] of [
      [join(place.dataDir, 'none.pem'), 'cannot be read'],
      [junk, 'holds no certificate in PEM form'],
    ] as const) {
      const error = await refusalOf(place, { TENON_DATABASE_URL: url, TENON_DATABASE_CA_FILE: file });
      expect(error.message).toContain(`TENON_DATABASE_CA_FILE: ${problem}`);
      expect(error).toMatchObject({ code: 'SETTINGS_INVALID' });
    }
  });

  it('TENON_RESOURCES_FILE that cannot be read, or declares what there is not, is named', async () => {
    await using place = await openPlace('none');
    await mkdir(place.dataDir);
    const file = join(place.dataDir, 'resources.json');
    const missing = await refusalOf(place, { TENON_RESOURCES_FILE: file });
    expect(missing).toMatchObject({ code: 'RESOURCES_INVALID', message: expect.stringContaining(file) });
    await writeFile(file, JSON.stringify({ resources: { site: { technology: 'gopher' } } }));
    const wrong = await refusalOf(place, { TENON_RESOURCES_FILE: file });
    expect(wrong).toMatchObject({ message: expect.stringContaining('/resources/site/technology') });
  });

  it('TENON_HOST and TENON_PORT that cannot be listened on are named', async () => {
    await using place = await openPlace('none');
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = String((other.address() as AddressInfo).port);
    try {
      for (const settings of [{ TENON_PORT: taken }, { TENON_HOST: '192.0.2.1' }, { TENON_HOST: 'no such host' }]) {
        const error = await refusalOf(place, settings);
        expect(error).toMatchObject({
          code: 'PORT_IN_USE',
          message: expect.stringMatching(/TENON_PORT or TENON_HOST/),
        });
      }
    } finally {
      other.close();
    }
  });

  it('TENON_OWNER_EMAIL and TENON_OWNER_PASSWORD that are refused are named, the password not shown', async () => {
    await using place = await openPlace(describeDrivers().at(-1) ?? 'pglite');
    for (const password of ['hunter2', `hunter2${'é'.repeat(50)}`, 'password1234']) {
      const error = await refusalOf(place, { TENON_OWNER_PASSWORD: password });
      expect(error.message).toMatch(/^the settings are wrong:\n {2}TENON_OWNER_PASSWORD: the password /);
      expect(error).toMatchObject({ code: 'SETTINGS_INVALID' });
      expect(error.message).not.toContain(password);
    }
  });
});

describe('the process', () => {
  it('ends with 1 and lists everything that is wrong with the settings, on standard error and without a value', async () => {
    await using server = startServerProcess({ TENON_PORT: 'hunter2', TENON_KEYZ: 'hunter2', TENON_ROLES: 'hunter2' });
    expect(await server.exit()).toEqual({ code: 1, signal: null });
    expect(server.output()).toMatch(
      /^SETTINGS_INVALID: the settings are wrong:\n {2}TENON_PORT: must.*\n {2}TENON_ROLES: must/m,
    );
    expect(server.output()).not.toContain('hunter2');
  });

  it('warns of a variable that nothing reads, and starts', async () => {
    await using place = await openPlace(describeDrivers().at(-1) ?? 'pglite');
    await using server = startServerProcess({ ...place.settings, TENON_LOG_LEVLE: 'hunter2' });
    await server.ready();
    expect(server.output()).toContain('TENON_LOG_LEVLE: no setting has this name; did you mean TENON_LOG_LEVEL?');
    expect(server.output()).not.toContain('hunter2');
  });
});
