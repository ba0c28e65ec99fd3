import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { runAs } from '@tenon/core';
import { apiKey } from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { addKeyToFile, compose, loadKeys, loadSettings } from '@tenon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './tenon-process.ts';

const SECRET = 'ghp_canary-of-the-keys';
const PASSWORD = 'a good long password';
const at = ['github', '--scope', 'org:acme'];

const keysFile = ({ dataDir }: Home): string => join(dataDir, 'keys');
const ringOf = (home: Home): KeyRing => KeyRing.parse(readFileSync(keysFile(home), 'utf8').trim());
const writeRing = (home: Home, keys: string): void => writeFileSync(keysFile(home), keys, { mode: 0o600 });
const revealed = async (home: Home): Promise<string> =>
  (await home.tenon(['credential', 'get', ...at, '--reveal'])).stdout;

/** Runs the server while the work is done. */
async function whileServing<T>(home: Home, work: (url: string) => Promise<T>): Promise<T> {
  const env = { TENON_OWNER_PASSWORD: PASSWORD, TENON_LOG_LEVEL: 'error', TENON_SAMPLE_DATA: 'false' };
  const server = home.start(['serve'], { env });
  const closed = once(server, 'close');
  let url = '';
  for await (const line of createInterface({ input: server.stdout as never })) {
    url = /^Tenon is serving (\S+)/.exec(line)?.[1] ?? url;
    if (line.startsWith('  reference')) break;
  }
  try {
    return await work(url);
  } finally {
    server.kill('SIGTERM');
    await closed;
  }
}

/** A caller of the API, signed in as the owner. */
async function signIn(url: string): Promise<(path: string, body?: object) => Promise<unknown>> {
  let headers: Record<string, string> = { 'content-type': 'application/json' };
  const post = async (path: string, body: object = {}): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.ok, `${path} ${response.status}`).toBe(true);
    return response.json();
  };
  const tokens = await post('/auth/login', { email: 'owner@localhost', password: PASSWORD });
  headers = { ...headers, authorization: `Bearer ${(tokens as { readonly accessToken: string }).accessToken}` };
  return post;
}

describe('the keys of a server that keeps credentials', () => {
  const home = newHome();
  let first: string;

  beforeAll(async () => {
    await whileServing(home, async (url) => {
      const post = await signIn(url);
      const body = { scope: 'org:acme', id: 'github', kind: 'api-key', material: { key: SECRET } };
      await post('/v1/credentials', body);
      const before = readFileSync(keysFile(home), 'utf8');
      // The database is the server's: nothing may change under it.
      const refused = await home.tenon(['keys', 'rotate']);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(/^DATABASE_DIRECTORY_LOCKED: /);
      expect(readFileSync(keysFile(home), 'utf8')).toBe(before);
    });
    first = ringOf(home).ids[0] ?? '';
  });
  afterAll(() => home.remove());

  it('can have a second one put in front: the server, restarted, opens everything', async () => {
    const copy = home.copy();
    writeRing(copy, ringOf(copy).rotate().format().reveal());
    await whileServing(copy, async (url) => {
      const post = await signIn(url);
      const path = '/v1/credentials/github/reveal?scope=org:acme';
      expect(await post(path)).toMatchObject({ secret: SECRET });
    });
    copy.remove();
  });

  it('are rotated by one command, after which the old one can go', async () => {
    const copy = home.copy();
    const { code, stdout, stderr } = await copy.tenon(['keys', 'rotate'], { terminal: true });
    expect(code).toBe(0);
    const [added = '', ...older] = ringOf(copy).ids;
    expect(older).toEqual([first]);
    expect(statSync(keysFile(copy)).mode & 0o777).toBe(0o600);
    expect(stdout).toContain(`key         ${added}  ·  added in front of ${first} in "${join('.tenon', 'keys')}"\n`);
    expect(stdout).toMatch(new RegExp(`^signing key \\S+  ·  sealed under ${added}$`, 'm'));
    expect(stdout).toMatch(/^credentials 1 sealed anew in 1 tenant in \d+\.\d s$/m);
    expect(stderr).toMatch(/credentials {2}█{20} 1\/1 {3}0 unreadable {3}\d+\.\d s\nStart the server again/);
    expect(stderr).not.toContain(SECRET);

    // Everything is sealed so already: there is nothing to go on with.
    const again = await copy.tenon(['keys', 'reseal', '--json'], { terminal: true });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    const nothing = { resealed: 0, unreadableCount: 0, unreadable: [] };
    expect(JSON.parse(again.stdout)).toMatchObject({ sealedUnder: added, credentials: nothing, isStopped: false });

    writeRing(copy, ringOf(copy).format().reveal().split(',')[0] ?? '');
    await whileServing(copy, async (url) => {
      const post = await signIn(url);
      const path = '/v1/credentials/github/reveal?scope=org:acme';
      expect(await post(path)).toMatchObject({ secret: SECRET });
    });
    copy.remove();
  });

  it('are told by name when one is missing, and everything else is sealed anew', async () => {
    const copy = home.copy();
    const old = ringOf(copy);
    writeRing(copy, KeyRing.generate().format().reveal());
    const put = ['credential', 'put', 'slack', '--scope', 'org:acme', '--kind', 'api-key', '--secret-stdin'];
    expect((await copy.tenon(put, { input: 'xoxb' })).code).toBe(0);
    writeRing(copy, ringOf(copy).rotate().format().reveal());
    const { code, stdout, stderr } = await copy.tenon(['keys', 'reseal']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^credentials 1 sealed anew in 1 tenant/m);
    expect(stdout).toMatch(/^unreadable {2}\S+ {2}· {2}org:acme {2}· {2}github$/m);
    expect(stderr).toMatch(/^CREDENTIAL_UNREADABLE: 1 credential could not be opened: .*\nPut its key back/);
    const json = await copy.tenon(['keys', 'reseal', '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      credentials: { resealed: 0, unreadableCount: 1, unreadable: [{ scope: 'org:acme', id: 'github' }] },
    });
    // With its key back, behind the others, it opens and is sealed anew.
    writeRing(copy, `${ringOf(copy).format().reveal()},${old.format().reveal()}`);
    expect((await copy.tenon(['keys', 'reseal'])).code).toBe(0);
    writeRing(copy, ringOf(copy).format().reveal().split(',')[0] ?? '');
    expect(await revealed(copy)).toBe(`${SECRET}\n`);
    copy.remove();
  });

  it('are changed in one bar over all tenants, which goes on where it was stopped', async () => {
    const copy = home.copy();
    await addTenants(copy, { beta: 2_000, gamma: 1, omega: 1 });
    writeRing(copy, ringOf(copy).rotate().format().reveal());
    const stopped = copy.start(['keys', 'reseal'], { terminal: true });
    let drawn = '';
    let isAsked = false;
    stopped.stderr?.on('data', (chunk: Buffer) => {
      drawn += chunk.toString();
      if (isAsked || !/[░█] [1-9]/.test(drawn)) return;
      // Once: whoever presses Ctrl-C twice wants the process to end at once.
      isAsked = stopped.kill('SIGINT');
    });
    const [[code], stdout] = await Promise.all([once(stopped, 'close'), text(stopped.stdout as never)]);
    expect(drawn).toMatch(/^CREDENTIAL_ABORTED: .*"tenon keys reseal" goes on/m);
    expect(drawn).not.toMatch(/█{20}/);
    expect(code).toBe(1);
    const done = Number(/^credentials ([\d,]+) sealed/m.exec(stdout)?.[1]?.replace(',', ''));
    expect(done).toBeGreaterThan(0);
    const rest = JSON.parse((await copy.tenon(['keys', 'reseal', '--json'])).stdout) as object;
    expect(rest).toMatchObject({ tenants: 4, isStopped: false, credentials: { resealed: 2_003 - done } });
    copy.remove();
  });

  it('from TENON_KEYS are not rotated, and what to do instead is said', async () => {
    const copy = home.copy();
    const before = readFileSync(keysFile(copy), 'utf8');
    const env = { TENON_KEYS: before.trim() };
    const { code, stdout, stderr } = await copy.tenon(['keys', 'rotate'], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^KEYS_INVALID: .*"tenon keys generate --rotate" prints, restart .*"tenon keys reseal"\n$/);
    expect(stderr).not.toContain(before.trim());
    expect(readFileSync(keysFile(copy), 'utf8')).toBe(before);
    copy.remove();
  });
});

describe('a key added to the keys file', () => {
  it('is there whole, readable for its user alone, and never takes the place of another', () => {
    const home = newHome();
    const { settings } = loadSettings({ TENON_DATA_DIR: home.dataDir });
    const made = loadKeys(settings, { create: true });
    chmodSync(keysFile(home), 0o640);
    const next = made.keys.rotate();
    addKeyToFile(made, next);
    expect(ringOf(home).ids).toEqual(next.ids);
    expect(statSync(keysFile(home)).mode & 0o777).toBe(0o600);
    // Somebody who had loaded the file before would write over the key that was added meanwhile.
    expect(() => addKeyToFile(made, made.keys.rotate())).toThrow(/were changed meanwhile; run it again/);
    const present = loadKeys(settings, { create: false });
    expect(() => addKeyToFile(present, KeyRing.generate())).toThrow(expect.objectContaining({ code: 'KEYS_INVALID' }));
    expect(existsSync(`${keysFile(home)}.new`)).toBe(false);
    // Somebody else is at it.
    writeFileSync(`${keysFile(home)}.new`, '');
    expect(() => addKeyToFile(present, present.keys.rotate())).toThrow(/being changed by another process/);
    expect(ringOf(home).ids).toEqual(next.ids);
    home.remove();
  });

  it.skipIf(process.getuid?.() !== 0)(
    'stays the file of the user under whom the server runs (only root can try it)',
    () => {
      const home = newHome();
      const { settings } = loadSettings({ TENON_DATA_DIR: home.dataDir });
      const made = loadKeys(settings, { create: true });
      chownSync(keysFile(home), 65_534, 65_534);
      addKeyToFile(made, made.keys.rotate());
      expect(statSync(keysFile(home))).toMatchObject({ uid: 65_534, gid: 65_534 });
      home.remove();
    },
  );
});

/** Makes tenants that keep so many credentials, as the server would, only faster than that many commands. */
async function addTenants(home: Home, counts: Readonly<Record<string, number>>): Promise<void> {
  const { settings } = loadSettings({ TENON_DATA_DIR: home.dataDir, TENON_CREDENTIAL_AUDIT: 'observe' });
  const { services, ...composition } = await compose(settings);
  try {
    await composition.ready();
    const account = await services.auth.accounts.findByEmail('owner@localhost');
    const owner = { accountId: account?.id ?? '', email: 'owner@localhost', name: 'Owner' };
    for (const [tenant, count] of Object.entries(counts)) {
      await services.tenancy.tenants.create({ name: tenant, id: tenant, owner });
      const entries = Array.from({ length: count }, (_, index) => ({
        reference: { scope: 'org:many', id: `key-${index}` },
        material: apiKey(`secret-${index}`),
      }));
      await runAs({ tenant }, async () => (await services.credentials.storeMany(entries)).orThrow());
    }
  } finally {
    await composition.stop();
  }
}
