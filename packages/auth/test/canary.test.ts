import { inspect } from 'node:util';
import { isSecret, type CodedError } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { inTenant, listKeys, openAuth, type OpenAuth } from './open-auth.ts';

const OLD = 'canary-of-the-first-password';
const NEW = 'canary-of-the-second-password';
const TYPED_AS_ADDRESS = 'canary-typed-into-the-wrong-field';

describe.each(describeDrivers())('secrets on %s', (driver) => {
  it('appear in no error, log line, event or JSON of what is returned', async () => {
    const open = await openAuth(driver);
    const { auth } = open;
    const shown: string[] = [];
    const secrets = new Map<string, string>([
      ['old password', OLD],
      ['new password', NEW],
      ['password typed as address', TYPED_AS_ADDRESS],
    ]);
    const show = (value: unknown): void => {
      shown.push(JSON.stringify(value) ?? '', inspect(value, { depth: 12, showHidden: true }), String(value));
    };
    /** Runs a call and keeps all that it shows, whichever way it ends. */
    const watch = async <T>(work: Promise<T>): Promise<T | undefined> => {
      try {
        const result = await work;
        show(result);
        return result;
      } catch (thrown) {
        for (
          let error = thrown as CodedError | undefined;
          error !== undefined;
          error = error.cause as CodedError | undefined
        ) {
          show(error);
          shown.push(error.message, error.stack ?? '');
        }
        return undefined;
      }
    };
    const keep = (value: object | undefined): void => {
      for (const [name, secret] of Object.entries(value ?? {})) {
        if (isSecret(secret)) secrets.set(`${name} ${secrets.size}`, secret.reveal());
      }
    };

    const email = 'canary@example.org';
    const account = await watch(auth.register({ email, password: OLD, name: 'Canary' }));
    await watch(auth.register({ email, password: OLD, name: 'Again' }));
    await watch(auth.register({ email: TYPED_AS_ADDRESS, password: OLD, name: 'Wrong field' }));
    await watch(auth.register({ email: 'long@example.org', password: OLD.repeat(4), name: 'Too long' }));
    await watch(auth.signIn({ email: TYPED_AS_ADDRESS, password: OLD }));
    await watch(auth.signIn({ email: `${TYPED_AS_ADDRESS}@example.org`, password: OLD }));
    for (let count = 0; count < 7; count += 1) await watch(auth.signIn({ email, password: NEW }));
    await open.clock.advance(60_000);
    const first = await watch(auth.signIn({ email, password: OLD, ip: '192.0.2.1', userAgent: 'canary' }));
    await watch(auth.signIn({ email, password: OLD, tenant: 'of-others' }));
    const second = await watch(auth.refresh(first?.refreshToken ?? ''));
    const third = await watch(auth.refresh(second?.refreshToken ?? ''));
    for (const one of [first, second, third]) keep(one);
    await watch(auth.verifyAccessToken(third?.accessToken ?? ''));
    await watch(auth.verifyAccessToken(`${third?.accessToken.reveal()}x`));
    await watch(auth.jwks());
    await watch(auth.sessions.list(account?.id ?? ''));
    await open.clock.advance(11_000);
    await watch(auth.refresh(first?.refreshToken ?? '')); // ends the session
    await watch(auth.refresh(`${first?.refreshToken.reveal()}x`));
    await watch(auth.changePassword({ accountId: account?.id ?? '', currentPassword: NEW, newPassword: NEW }));
    await watch(auth.changePassword({ accountId: account?.id ?? '', currentPassword: OLD, newPassword: NEW }));
    await watch(auth.setPassword(account?.id ?? '', OLD));
    const made = await watch(inTenant('acme', () => auth.apiKeys.create({ name: 'canary', scopes: ['orders:read'] })));
    keep(made);
    await watch(auth.apiKeys.verify(made?.key ?? ''));
    await watch(auth.apiKeys.verify(`${made?.key.reveal()}x`));
    await watch(inTenant('acme', () => listKeys(auth)));
    await watch(inTenant('acme', () => auth.apiKeys.revoke(made?.apiKey.id ?? '')));
    await watch(auth.rotateSigningKey());
    await watch(auth.accounts.get(account?.id ?? ''));
    await watch(auth.accounts.findByEmail(email));
    // A list that fails to be recorded, and a database that breaks in the middle.
    await watch(
      open.another({ onSecurityEvent: () => Promise.reject(new Error('no room')) }).setPassword(account?.id ?? '', NEW),
    );
    await breakAccounts(open);
    await watch(auth.register({ email: 'broken@example.org', password: OLD, name: 'Broken' }));
    await watch(auth.signIn({ email, password: NEW }));
    for (const row of await storedSecrets(open)) secrets.set(`stored ${secrets.size}`, row);
    show(auth);
    show(open.events);
    show(open.log);
    shown.push(...open.log.map(({ fields, message }) => `${message} ${inspect(fields, { depth: 12 })}`));
    await open.close();

    const all = shown.join('\n');
    // 3 planted, 2 each of 3 sign-ins, 1 API key, and what is stored: 2 hashes, 1 key hash and 2 sealed keys.
    expect(secrets.size).toBeGreaterThanOrEqual(13);
    expect([...secrets].filter(([, secret]) => all.includes(secret)).map(([name]) => name)).toEqual([]);
    expect(all).not.toMatch(/\$2[aby]\$/);
    // The search would find them: what is not secret is there.
    expect(all).toContain('AUTH_CREDENTIALS_INVALID');
    expect(all).toContain(email);
    expect(all).toContain('no room');
  });
});

/** Hashes and sealed keys as they lie in the database. */
async function storedSecrets(open: OpenAuth): Promise<readonly string[]> {
  const { rows } = await open.test.database.withSystem('test', (tx) =>
    sql<{ secret: string | null }>`select password_hash as secret from broken_accounts
      union all select encode(key_hash, 'hex') from api_keys
      union all select encode(private_sealed, 'hex') from signing_keys`.execute(tx),
  );
  return rows.flatMap(({ secret }) => (secret === null ? [] : [secret]));
}

/** Makes every later statement on accounts fail. */
async function breakAccounts(open: OpenAuth): Promise<void> {
  const migration = { version: 1, name: 'break', sql: 'alter table accounts rename to broken_accounts' };
  await open.test.database.migrate([{ name: 'break-accounts', migrations: [migration] }]);
}
