import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './tenon-process.ts';

const EMAIL = 'noor@example.com';

describe('tenon user password', () => {
  let home: Home;
  // In the order they were set; the last one is to work.
  const passwords: string[] = [];
  beforeAll(async () => {
    home = newHome();
    const tenant = ['tenant', 'create', '--name', 'Main', '--id', 'main', '--owner-email', 'owner@example.com'];
    expect((await home.tenon(tenant)).code).toBe(0);
    const user = await home.tenon(['user', 'create', '--email', EMAIL, '--name', 'Noor', '--json']);
    expect(user).toMatchObject({ code: 0, stderr: '' });
    const { password } = JSON.parse(user.stdout) as { password: string };
    passwords.push(password);
  });
  afterAll(() => home.remove());

  it('makes one up and shows it once', async () => {
    const { code, stdout, stderr } = await home.tenon(['user', 'password', '--email', EMAIL.toUpperCase()]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const shown = /^sign in {5}noor@example\.com {2}· {2}password shown this once: ([0-9a-f-]{24})\n$/.exec(
      stdout,
    )?.[1];
    expect(shown).toBeDefined();
    passwords.push(shown ?? '');
  });

  it('takes one from standard input, which no output repeats', async () => {
    const given = 'a lantern under the third bridge';
    const args = ['user', 'password', '--email', EMAIL, '--password-stdin', '--json'];
    const { code, stdout, stderr } = await home.tenon(args, { input: `${given}\n` });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answer = JSON.parse(stdout) as object;
    expect(answer).toMatchObject({ account: { email: EMAIL } });
    expect(answer).not.toHaveProperty('password');
    expect(stdout).not.toContain(given);
    passwords.push(given);
  });

  it.each([
    [
      ['--email', 'nobody@example.com'],
      '',
      /^ACCOUNT_NONE: there is no account with the address "nobody@example\.com"/,
    ],
    [['--email', EMAIL, '--password-stdin'], '', /^PASSWORD_MISSING: /],
    [
      ['--email', EMAIL, '--password-stdin'],
      'short\n',
      /^AUTH_INPUT_INVALID: [^]*newPassword: the password must have at least/,
    ],
  ])('changes nothing when it is refused: %j', async (args, input, message) => {
    const { code, stdout, stderr } = await home.tenon(['user', 'password', ...args], { input });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('leaves the last one set as the only one that signs in', async () => {
    const server = home.start(['serve'], { env: { TENON_LOG_LEVEL: 'silent' } });
    const closed = once(server, 'close');
    let url = '';
    for await (const line of createInterface({ input: server.stdout as never })) {
      url = /http:\S+/.exec(line)?.[0] ?? '';
      break;
    }
    const statuses: number[] = [];
    for (const password of passwords) {
      const answer = await fetch(`${url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: EMAIL, password }),
      });
      statuses.push(answer.status);
    }
    server.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
    expect(statuses).toEqual([401, 401, 200]);
  });
});
