import { CodedError } from '@tenon/core';
import { defineResource, type ResourceToken } from '@tenon/resources';
import { resourceContract, type ResourceUnderTest } from '@tenon/resources/testing';
import { describe, expect, it } from 'vitest';
import { LoginVault } from '../drivers/redis/open-redis.ts';

interface Line {
  isOpen: boolean;
}

interface Face {
  call(): Promise<string>;
}

/** What a driver can do wrong, and the rule that must notice it. */
const mistakes = {
  'forgets its fence': 'after the release nothing works',
  'gives all the same face': 'each borrower has a face of its own',
  'is used up at once': 'an instance that came back is lent again',
  'says it is ill': 'finds a working instance usable',
  'says it is well': 'unusable',
  'works without a server': 'work and acquires fail',
  'throws errors without a code': 'work and acquires fail',
  'never notices': 'isBroken tells at a glance',
  'is always broken': 'isBroken tells at a glance',
  'never recovers': 'when the server is back',
  'tries refused logins again': 'refused is no reason',
  'tells its password in errors': 'no secret is seen',
  'tells its password to the log': 'no secret is seen',
  'shows its password in its settings': 'no secret is seen',
  'goes on after the revocation': 'after its credential was revoked',
} as const;

type Mistake = keyof typeof mistakes;

const PASSWORD = 'the-password-of-the-line';

/** A driver whose server is a variable, right but for one mistake. */
async function open(mistake?: Mistake): Promise<ResourceUnderTest<Face>> {
  const server = { isUp: true, wasDown: false };
  const vault = new LoginVault();
  vault.put('login', 'user', PASSWORD);
  vault.put('refused', 'user', 'another password');
  const isDown = (): boolean => !server.isUp || (mistake === 'never recovers' && server.wasDown);
  const failure = (code: string, retryable = true): Error => {
    const message = mistake === 'tells its password in errors' ? `no line with ${PASSWORD}` : 'no line';
    return mistake === 'throws errors without a code'
      ? new Error(message)
      : new CodedError(code, message, { retryable });
  };
  const faceOf = (line: Line, assertHeld: () => void): Face => ({
    async call() {
      if (mistake !== 'forgets its fence' && mistake !== 'goes on after the revocation') assertHeld();
      if (mistake !== 'works without a server' && (isDown() || !line.isOpen)) throw failure('RESOURCE_CONNECTION_LOST');
      return 'yes';
    },
  });
  const same = faceOf({ isOpen: true }, () => undefined);
  const define = (name: string, login: string): ResourceToken<Face> =>
    defineResource({
      name,
      version: '1.0.0',
      credentials: { login: { kind: 'basic', id: login } },
      ...(mistake === 'shows its password in its settings' ? { technology: PASSWORD } : {}),
      pool: { createBackoff: { initialMs: 1, maxMs: 1 }, maxUses: mistake === 'is used up at once' ? 1 : Infinity },
      create({ credentials, logger }): Line {
        if (mistake === 'tells its password to the log')
          logger.info({ login: credentials.login.secret.reveal() }, 'logs in');
        if (credentials.login.secret.reveal() !== PASSWORD) {
          throw failure('RESOURCE_ACCESS_DENIED', mistake === 'tries refused logins again');
        }
        if (isDown()) throw failure('RESOURCE_UNAVAILABLE');
        return { isOpen: true };
      },
      destroy(line) {
        line.isOpen = false;
      },
      check: () => (mistake === 'says it is well' ? true : !isDown() && mistake !== 'says it is ill'),
      isBroken: () => mistake === 'is always broken' || (mistake !== 'never notices' && isDown()),
      expose: (line, context) =>
        mistake === 'gives all the same face' ? same : faceOf(line, () => context.assertHeld()),
    });
  const token = define('line', 'login');
  return {
    token,
    refusedToken: define('refused', 'refused'),
    vault,
    secrets: [PASSWORD],
    work: (face) => face.call(),
    async stopServer() {
      server.isUp = false;
      server.wasDown = true;
    },
    async startServer() {
      server.isUp = true;
    },
    close: () => Promise.resolve(),
  };
}

describe('the contract of resources', () => {
  it.each(resourceContract(() => open()))('is kept by a driver that is right: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it.each(Object.keys(mistakes) as Mistake[])('notices a driver that %s', async (mistake) => {
    const rule = mistakes[mistake];
    const checks = resourceContract(() => open(mistake), { patienceMs: 500 }).filter(({ name }) => name.includes(rule));
    expect(checks).toHaveLength(1);
    await expect(checks[0]?.run()).rejects.toThrow(/./);
  });

  it('leaves out what needs a server or a login only when it is told to', async () => {
    const bare = async (): Promise<ResourceUnderTest<Face>> => {
      const { token, work, vault, close } = await open();
      return { token, work, close, ...(vault === undefined ? {} : { vault }) };
    };
    const all = resourceContract(bare);
    const few = resourceContract(bare, { hasServer: false, hasLogin: false });
    const noServer = resourceContract(bare, { hasServer: false });
    expect(few.length).toBeLessThan(noServer.length);
    expect(noServer.length).toBeLessThan(all.length);
    for (const { run } of few) await run();
    const missing = all.filter(({ name }) => !few.some((one) => one.name === name) && !name.includes('revoked'));
    for (const { run } of missing) await expect(run()).rejects.toThrow('of the resource under test');
  });
});
