import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importFormats, importKinds } from '@tenon/server';
import { afterAll, describe, expect, it } from 'vitest';
import { newHome } from './tenon-process.ts';

const home = newHome();
afterAll(() => home.remove());

describe('tenon', () => {
  it('explains itself and each of its commands', async () => {
    const help = await home.tenon(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of [
      'serve',
      'migrate',
      'doctor',
      'settings',
      'keys',
      'tenant',
      'user',
      'credential',
      'import',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    }
    const more = await home.tenon(['import', '--help']);
    expect(more).toMatchObject({ code: 0, stderr: '' });
    for (const choice of [...importKinds, ...importFormats]) expect(more.stdout).toContain(`"${choice}"`);
    for (const option of ['--tenant', '--format', '--rejects', '--batch-size', '--strict', '--json'])
      expect(more.stdout).toContain(option);
  });

  it('tells its version', async () => {
    expect(await home.tenon(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });

  it.each([
    [[], /a command is missing\. See: tenon --help/],
    [['tenant'], /a command is missing\. See: tenon tenant --help/],
    [['bogus'], /unknown command 'bogus'\. See: tenon --help/],
    [['migrate', '--bogus'], /unknown option '--bogus'\. See: tenon migrate --help/],
    [
      ['tenant', 'create', '--name', 'Acme'],
      /required option '--owner-email <address>' not specified\. See: tenon tenant create --help/,
    ],
    [['import', 'products'], /missing required argument 'file'/],
    [['import', 'customers', 'x.csv'], /'customers' is invalid .*products, users, orders/],
    [['import', 'products', 'x.csv', '--format', 'xml'], /'xml' is invalid.*csv, ndjson/],
    [['import', 'products', 'x.csv', '--batch-size', 'many'], /'many' is invalid.*whole number/],
    [
      ['user', 'create', '--email', 'a@example.com', '--name', 'A', '--role', 'king'],
      /'king' is invalid.*owner, admin, member, viewer/,
    ],
  ])('%j is wrong usage: exit code 2, and it says what would be right', async (args, message) => {
    const { code, stdout, stderr } = await home.tenon(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const last = stderr.trimEnd().split('\n').at(-1) ?? '';
    expect(last).toMatch(/^USAGE_INVALID: /);
    expect(last).toMatch(message);
  });

  it('names every wrong setting, and shows no stack unless it is asked for one', async () => {
    const env = { TENON_PORT: 'secret-looking', TENON_LOG_LEVEL: 'loud' };
    const { code, stdout, stderr } = await home.tenon(['tenant', 'list'], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^SETTINGS_INVALID: [^]*TENON_PORT: must be a whole number[^]*TENON_LOG_LEVEL: must be one of/,
    );
    expect(stderr).toContain('"tenon settings" explains every setting');
    expect(stderr).not.toMatch(/secret-looking|^ {4}at /m);
    const debugging = await home.tenon(['keys', 'generate', '--rotate'], { env: { TENON_LOG_LEVEL: 'debug' } });
    expect(debugging.stderr).toMatch(/^KEYS_INVALID: [^]*^ {4}at /m);
  });

  it('reads settings from a file .env, which the environment overrules', async () => {
    const other = newHome();
    writeFileSync(join(other.folder, '.env'), 'TENON_SESSION_MAX_DAYS=none\nTENON_ROLES=api\n');
    expect((await other.tenon(['keys', 'generate', '--rotate'])).stderr).toContain('TENON_SESSION_MAX_DAYS');
    const overruled = await other.tenon(['keys', 'generate', '--rotate'], { env: { TENON_SESSION_MAX_DAYS: '30' } });
    expect(overruled.stderr).not.toContain('TENON_SESSION_MAX_DAYS');
    other.remove();
  });

  it('tells of a variable that looks like a setting and is none', async () => {
    const { stderr } = await home.tenon(['keys', 'generate', '--rotate'], { env: { TENON_PORTS: '3000' } });
    expect(stderr).toContain('! TENON_PORTS: no setting has this name; did you mean TENON_PORT?');
  });
});

describe('tenon settings', () => {
  it('explains every setting and shows no value', async () => {
    const env = {
      TENON_METRICS_TOKEN: 'do-not-show-this-token',
      TENON_DATABASE_URL: 'postgres://u:hidden@localhost/x',
    };
    const { code, stdout, stderr } = await home.tenon(['settings'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('TENON_PORT=3000\n    TCP port to listen on');
    expect(stdout).toContain('TENON_METRICS_TOKEN\n');
    expect(stdout).not.toMatch(/do-not-show|hidden/);
  });

  it('writes itself as a file .env, a Markdown table, or JSON', async () => {
    expect((await home.tenon(['settings', '--env'])).stdout).toMatch(/^# TENON_PORT=3000$/m);
    expect((await home.tenon(['settings', '--markdown'])).stdout).toMatch(/^\| `TENON_PORT` \| `3000` \| TCP port/m);
    const { settings } = JSON.parse((await home.tenon(['settings', '--json'])).stdout) as {
      settings: { name: string; fallback: string }[];
    };
    expect(settings.find(({ name }) => name === 'TENON_PORT')?.fallback).toBe('3000');
  });
});
