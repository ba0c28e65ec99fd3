import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAs } from '@tenon/core';
import { apiKey, builtInKinds, type CredentialVault } from '@tenon/credentials';
import { compose, loadSettings } from '@tenon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Finished, type Home, type RunOptions } from './tenon-process.ts';

const SECRET = 'ghp_canary-of-the-command-line';
const scope = ['--scope', 'org:acme'];

interface Shown {
  readonly credential: Readonly<Record<string, unknown>>;
  readonly credentials: readonly { readonly scope: string; readonly id: string }[];
  readonly validations: readonly { readonly id: string; readonly status: string }[];
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

describe('tenon credential', () => {
  let home: Home;
  const credential = (args: readonly string[], options?: RunOptions): Promise<Finished> =>
    home.tenon(['credential', ...args], options);
  const json = async (args: readonly string[], options?: RunOptions): Promise<Shown> => {
    const { code, stdout, stderr } = await credential([...args, '--json'], options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Shown;
  };

  beforeAll(async () => {
    home = newHome();
    const owner = ['--owner-email', 'a@example.com'];
    expect((await home.tenon(['tenant', 'create', '--name', 'Acme', '--id', 'acme', ...owner])).code).toBe(0);
  });
  afterAll(() => home.remove());

  it('stores what comes over standard input, and reveals it alone', async () => {
    const args = ['put', 'github', ...scope, '--kind', 'api-key', '--secret-stdin', '--tag', 'env=prod', '--create'];
    const more = ['--rotate-every', '90d', '--expires', '2090-01-01', '--description', 'reads issues'];
    const put = await credential([...args, ...more], { input: `${SECRET}\n`, env: { TENON_LOG_LEVEL: 'debug' } });
    expect(put).toMatchObject({ code: 0, stdout: 'credential  org:acme  ·  github  ·  version 1\n' });
    expect(put.stderr).toContain('credential stored'); // the log is there, and the secret is not in it
    expect(put.stderr).not.toContain(SECRET);

    const again = await credential(args, { input: SECRET });
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^CREDENTIAL_EXISTS: /);
    expect(again.stderr).not.toContain(SECRET);

    const shown = await credential(['get', 'github', ...scope]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^kind {8}api-key$/m);
    expect(shown.stdout).toMatch(/^tags {8}env=prod$/m);
    expect(shown.stdout).toMatch(/^expires {5}2090-01-01 00:00 UTC$/m);
    expect(shown.stdout).toMatch(/^rotate {6}after 20\d\d-/m);
    expect(shown.stdout).not.toContain(SECRET);
    expect(await credential(['get', 'github', ...scope, '--reveal'])).toEqual({
      code: 0,
      stdout: `${SECRET}\n`,
      stderr: '',
    });
  });

  it('keeps the fields beside the secret when it rotates, and the old one for its grace', async () => {
    const login = ['put', 'mail', '--scope', 'org:acme/team:eng', '--kind', 'basic', '--field', 'username=post'];
    await json([...login, '--secret-stdin'], { input: 'first' });
    const at = ['mail', '--scope', 'org:acme/team:eng'];
    const rotated = await credential(['rotate', ...at, '--secret-stdin', '--grace', '1h'], { input: 'second' });
    expect(rotated).toMatchObject({ code: 0, stderr: '' });
    expect(rotated.stdout).toMatch(/ · {2}version 2\nearlier {5}version 1 until 20\d\d-.* UTC\n$/);
    const { credential: now } = await json(['get', ...at, '--reveal']);
    expect(now).toMatchObject({ version: 2, secret: 'second', value: { username: 'post' }, expiresAt: null });
    expect((await credential(['get', ...at, '--reveal', '--at-version', '1'])).stdout).toBe('first\n');

    const emergency = await json(['rotate', ...at, '--secret-stdin', '--emergency'], { input: 'third' });
    expect(emergency.credential).toMatchObject({ version: 3, previous: [{ graceUntil: null }, { graceUntil: null }] });
    expect((await credential(['get', ...at, '--reveal', '--at-version', '1'])).stderr).toMatch(/^CREDENTIAL_NOT_FOUND/);
  });

  it('takes all fields from a file, and loses no refresh token', async () => {
    const tokens = { accessToken: 'access', refreshToken: SECRET, tokenType: 'Bearer', scopes: ['read'] };
    writeFileSync(join(home.folder, 'tokens.json'), JSON.stringify(tokens));
    const args = ['put', 'calendar', ...scope, '--kind', 'oauth2', '--file'];
    expect((await json([...args, 'tokens.json'])).credential).toMatchObject({ id: 'calendar', version: 1 });
    const rotated = await credential(['rotate', 'calendar', ...scope, '--secret-stdin'], { input: 'other' });
    expect(rotated.stderr).toMatch(/^CREDENTIAL_ROTATION_IMPOSSIBLE: .*refresh token would be lost: .*--file\n/);
    writeFileSync(join(home.folder, 'tokens.json'), `{ "accessToken": ${SECRET} }`);
    const broken = await credential([...args, 'tokens.json']);
    expect(broken).toMatchObject({ code: 1, stderr: 'CREDENTIAL_INVALID: "tokens.json" is not JSON\n' });
    expect((await credential([...args, '-'], { input: '[]' })).stderr).toMatch(
      /standard input must hold one JSON object/,
    );
  });

  it('lists a scope and all below it as a table, or all pages as JSON', async () => {
    const { code, stdout } = await credential(['list', ...scope, '--tag', 'env=prod']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^SCOPE +ID +KIND +VERSION +EXPIRES +ROTATE AFTER +TAGS\norg:acme +github +api-key +1 .*env=prod\n$/,
    );
    const below = await json(['list', ...scope, '--kind', 'basic']);
    expect(below.credentials).toMatchObject([{ scope: 'org:acme/team:eng', id: 'mail' }]);
    const many = Array.from({ length: 1_001 }, (_, at) => ({
      reference: { scope: 'org:many', id: `key-${at}` },
      material: apiKey(`secret-${at}`),
    }));
    await inVault(home, async (vault) => (await vault.storeMany(many)).orThrow());
    expect((await json(['list', '--scope', 'org:many'])).credentials).toHaveLength(1_001);
    expect((await credential(['list', '--scope', 'org:none'])).stdout).toBe(
      'no credentials like that in org:none and below\n',
    );
  });

  it('fails the validation of what has expired or is missing, and of nothing else', async () => {
    expect(await credential(['validate', 'github', ...scope])).toMatchObject({ code: 0, stderr: '' });
    const input = { input: SECRET };
    await json(['put', 'old', ...scope, '--kind', 'bearer', '--secret-stdin', '--expires', '2020-01-01'], input);
    const all = await credential(['validate', ...scope]);
    expect(all.code).toBe(1);
    expect(all.stdout).toMatch(/^org:acme +github +valid +until 2090-01-01 00:00 UTC$/m);
    expect(all.stdout).toMatch(/^org:acme +old +expired +on 2020-01-01 00:00 UTC$/m);
    expect(all.stderr).toBe('CREDENTIAL_EXPIRED: 1 of 4 credentials cannot be used\n');
    const missing = await credential(['validate', 'nothing', ...scope, '--json']);
    expect(missing).toMatchObject({ code: 1 });
    expect(JSON.parse(missing.stdout)).toEqual({
      ok: false,
      validations: [{ status: 'not-found', scope: 'org:acme', id: 'nothing' }],
    });
    const revealed = await credential(['get', 'old', ...scope, '--reveal']);
    expect(revealed).toEqual({ code: 0, stdout: `${SECRET}\n`, stderr: '! it expired on 2020-01-01 00:00 UTC\n' });
  });

  it('deletes, and the audit tells who did what', async () => {
    expect((await credential(['delete', 'old', ...scope])).stdout).toBe('deleted     org:acme  ·  old\n');
    const twice = await credential(['delete', 'old', ...scope]);
    expect(twice).toMatchObject({ code: 1, stdout: '' });
    expect(twice.stderr).toMatch(/^CREDENTIAL_NOT_FOUND: .*\n"tenon credential list --scope SCOPE" shows/);
    const { records } = await json(['audit', ...scope, '--id', 'old']);
    const cli = { type: 'system', id: 'cli' };
    expect(records).toContainEqual(expect.objectContaining({ action: 'read', outcome: 'succeeded', actor: cli }));
    expect(records).toContainEqual(expect.objectContaining({ action: 'delete', outcome: 'succeeded', actor: cli }));
    expect(JSON.stringify(records)).not.toContain(SECRET);
    const table = (await credential(['audit', '--limit', '1'])).stdout;
    expect(table).toMatch(/^TIME +ACTION +OUTCOME +ACTOR +SCOPE +ID +VERSION\n20\S+Z .*\n$/);
  });

  it('knows every kind of the vault, and which of its fields come over standard input', async () => {
    const { stdout } = await credential(['put', '--help']);
    for (const { definition } of builtInKinds) expect(stdout).toContain(`"${definition.name}"`);
    const privateKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const login = { host: 'db', port: '5432', database: 'shop', username: 'app' };
    const puts: readonly (readonly [string, object, string])[] = [
      ['database', login, SECRET],
      ['key-pair', {}, privateKey],
      ['signing-key', { algorithm: 'HS256' }, SECRET],
      ['oauth2', { scopes: 'read, write' }, SECRET],
    ];
    for (const [kind, fields, input] of puts) {
      const given = Object.entries(fields).flatMap(([name, value]) => ['--field', `${name}=${value as string}`]);
      await json(['put', kind, '--scope', 'org:kinds', '--kind', kind, '--secret-stdin', ...given], { input });
    }
    const ids = puts.map(([id]) => ({ scope: 'org:kinds', id }));
    const found = await inVault(home, async (vault) => (await vault.retrieveMany(ids)).orThrow());
    expect(found.map((one) => one?.secret.reveal())).toEqual([SECRET, privateKey.trimEnd(), SECRET, SECRET]);
    expect(found.map((one) => one?.value)).toEqual([
      { ...login, port: 5432 },
      { publicKey: expect.stringContaining('PUBLIC KEY') as string },
      { algorithm: 'HS256' },
      { tokenType: 'Bearer', scopes: ['read', 'write'] },
    ]);
  });

  it.each([
    [
      ['put', 'x', ...scope, '--kind', 'basic', '--field', `password=${SECRET}`, '--secret-stdin'],
      /field "password" of the kind "basic" is secret: pipe/,
    ],
    [
      ['put', 'x', ...scope, '--kind', 'api-key', '--field', `${SECRET}=`, '--secret-stdin'],
      /"api-key" has no fields beside its secret/,
    ],
    [
      ['put', 'x', ...scope, '--kind', 'api-key', '--field', SECRET, '--secret-stdin'],
      /a --field is written as name=value/,
    ],
    [['put', 'x', ...scope, '--kind', 'api-key', `--secret=${SECRET}`], /unknown option '--secret'/],
    [['put', 'x', SECRET, ...scope, '--kind', 'api-key', '--secret-stdin'], /too many arguments for 'put'/],
    [['put', 'x', ...scope, '--kind', 'api-key'], /the secret is missing: pipe it in with --secret-stdin/],
    [['put', 'x', ...scope, '--kind', 'api-key', '--create', '--replace'], /cannot be used with option '--/],
    [['rotate', 'x', ...scope, '--secret-stdin', '--grace', 'soon'], /It must be a number with a unit: 30s, 15m/],
    [['put', 'x', '--kind', 'api-key', '--secret-stdin'], /required option '--scope <scope>' not specified/],
  ])('%j is wrong usage, and no secret is repeated', async (args, message) => {
    const { code, stdout, stderr } = await credential(args, { input: SECRET });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^USAGE_INVALID: /);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain(SECRET);
  });

  it('keeps nothing that is no material, or of a tenant that does not exist', async () => {
    const login = ['put', 'x', ...scope, '--kind', 'database', '--field', 'port=many', '--secret-stdin'];
    const bad = await credential(login, { input: SECRET });
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/^CREDENTIAL_INVALID: this is no material of the kind "database": .*host/);
    expect(bad.stderr).not.toMatch(new RegExp(`${SECRET}|many`));
    const empty = await credential(['put', 'x', ...scope, '--kind', 'bearer', '--secret-stdin']);
    expect(empty.stderr).toMatch(/^CREDENTIAL_INVALID: .*standard input is empty: pipe the secret in\n$/);
    const elsewhere = await credential(['list', ...scope, '--tenant', 'nobody']);
    expect(elsewhere).toMatchObject({ code: 1, stdout: '' });
    expect(elsewhere.stderr).toMatch(/^TENANT_NOT_FOUND: /);
  });
});

/** Works with the vault as the server would, only faster than that many commands. */
async function inVault<T>(home: Home, work: (vault: CredentialVault) => Promise<T>): Promise<T> {
  const { settings } = loadSettings({ TENON_DATA_DIR: home.dataDir, TENON_CREDENTIAL_AUDIT: 'observe' });
  const composition = await compose(settings);
  try {
    await composition.ready();
    return await runAs({ tenant: 'acme' }, () => work(composition.services.credentials));
  } finally {
    await composition.stop();
  }
}
