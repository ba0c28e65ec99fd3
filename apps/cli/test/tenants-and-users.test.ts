import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './tenon-process.ts';

const PASSWORD = 'eleven slow turtles in a row';

describe('tenants and people from the command line', () => {
  let home: Home;
  beforeAll(() => {
    home = newHome();
  });
  afterAll(() => home.remove());

  it('begin with the schema, which is brought up to date once', async () => {
    const first = await home.tenon(['migrate', '--json']);
    expect(first.code).toBe(0);
    const { applied, total } = JSON.parse(first.stdout) as { applied: string[]; total: number };
    expect(applied).toContain('server/0001_imports');
    expect(applied).toHaveLength(total);
    expect(await home.tenon(['migrate'])).toEqual({ code: 0, stdout: `up to date: ${total} migrations\n`, stderr: '' });
    expect(statSync(join(home.dataDir, 'keys')).mode & 0o777).toBe(0o600);
  });

  it('are told to make a tenant while there is none', async () => {
    expect((await home.tenon(['tenant', 'list'])).stdout).toMatch(/^no tenants yet: "tenon tenant create"/);
    const user = await home.tenon(['user', 'create', '--email', 'a@example.com', '--name', 'A']);
    expect(user.code).toBe(1);
    expect(user.stderr).toMatch(/^TENANT_NONE: there is no tenant yet\. Make one with "tenon tenant create"/);
  });

  it('show a password that was made up once, and keep it nowhere', async () => {
    const args = [
      'tenant',
      'create',
      '--name',
      "O'Neill & Söhne",
      '--id',
      'oneill',
      '--owner-email',
      'Maeve@example.com',
    ];
    const { code, stdout, stderr } = await home.tenon([...args, '--owner-name', 'Maeve']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain("tenant      oneill  ·  O'Neill & Söhne\n");
    const password =
      /sign in {5}Maeve@example\.com {2}· {2}password shown this once: ([0-9a-f-]{24})\n/.exec(stdout)?.[1] ?? '';
    expect(password).not.toBe('');
    expect(readFileSync(join(home.dataDir, 'keys'), 'utf8')).not.toContain(password);
  });

  it('refuse an id that is taken, and say which tenants there are', async () => {
    const again = await home.tenon([
      'tenant',
      'create',
      '--name',
      'Again',
      '--id',
      'oneill',
      '--owner-email',
      'new@example.com',
    ]);
    expect(again.code).toBe(1);
    // The account was made before: its password must not be lost.
    expect(again.stderr).toMatch(
      /^The account was made, the tenant was not\. sign in {5}new@example\.com .*shown this once: [0-9a-f-]{24}\nTENANT_EXISTS: /,
    );
    const { tenants } = JSON.parse((await home.tenon(['tenant', 'list', '--json'])).stdout) as {
      tenants: { id: string }[];
    };
    expect(tenants.map(({ id }) => id)).toEqual(['oneill']);
  });

  it('add a person with a password from standard input, which no output repeats', async () => {
    const args = [
      'user',
      'create',
      '--tenant',
      'oneill',
      '--email',
      'zoe@example.com',
      '--name',
      'Zoë',
      '--role',
      'admin',
    ];
    const { code, stdout } = await home.tenon([...args, '--password-stdin', '--json'], { input: `${PASSWORD}\n` });
    expect(code).toBe(0);
    expect(stdout).not.toContain(PASSWORD);
    expect(JSON.parse(stdout)).toMatchObject({
      user: { name: 'Zoë', role: 'admin', status: 'active' },
      account: { email: 'zoe@example.com', created: true },
    });
    const twice = await home.tenon([...args, '--password-stdin'], { input: PASSWORD });
    expect(twice.code).toBe(1);
    expect(twice.stderr).toMatch(/^USER_(EMAIL|ACCOUNT)_TAKEN: /m);
  });

  it('refuse an empty and a bad password before anything is made', async () => {
    const args = ['user', 'create', '--email', 'yan@example.com', '--name', 'Yan', '--password-stdin'];
    expect((await home.tenon(args)).stderr).toMatch(/^PASSWORD_MISSING: .*pipe the password in/);
    const weak = await home.tenon(args, { input: 'short\n' });
    expect(weak.code).toBe(1);
    expect(weak.stderr).toMatch(/^AUTH_INPUT_INVALID: [^]*password: /);
    expect(weak.stderr).not.toContain('short\n');
  });

  it('link the account that exists, and leave its password alone', async () => {
    const args = ['tenant', 'create', '--name', 'Second', '--id', 'second', '--owner-email', 'ZOE@example.com'];
    const { code, stdout } = await home.tenon([...args, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tenant: { id: 'second' },
      account: { email: 'zoe@example.com', created: false },
    });
    expect(stdout).not.toContain('password');
  });

  it('must be told the tenant when there are several', async () => {
    const args = ['user', 'create', '--email', 'xi@example.com', '--name', 'Xi'];
    const several = await home.tenon(args);
    expect(several.code).toBe(1);
    expect(several.stderr).toBe(
      'TENANT_AMBIGUOUS: there are several tenants: oneill, second. Say which one with --tenant ID\n',
    );
    const unknown = await home.tenon([...args, '--tenant', 'third']);
    expect(unknown.stderr).toMatch(/^TENANT_NOT_FOUND: [^]*"tenon tenant list" shows/);
    expect(unknown.stderr).not.toContain('The account was made');
  });
});
