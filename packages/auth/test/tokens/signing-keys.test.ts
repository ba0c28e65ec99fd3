import { createPrivateKey } from 'node:crypto';
import { codeOf } from '@tenon/core/testing';
import { KeyRing, open as openEnvelope } from '@tenon/crypto';
import { describeDrivers } from '@tenon/database/testing';
import { SignJWT } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Auth } from '@tenon/auth';
import { decodeToken, openAuth, PASSWORD, thrownBy, type OpenAuth } from '../open-auth.ts';

describe.each(describeDrivers())('signing keys on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  const kidsOf = async (auth: Auth = open.auth): Promise<readonly string[]> =>
    (await auth.jwks()).keys.map(({ kid }) => kid);
  const storedKeys = async (): Promise<
    readonly { kid: string; private_sealed: Uint8Array; retired_at: Date | null }[]
  > => {
    const { rows } = await open.test.database.withSystem('test', (tx) =>
      sql<{ kid: string; private_sealed: Uint8Array; retired_at: Date | null }>`select * from signing_keys`.execute(tx),
    );
    return rows;
  };

  it('begin as one, though processes start together', async () => {
    const processes = [open.auth, open.another(), open.another(), open.another()];
    const kids = await Promise.all(processes.map((one) => kidsOf(one)));
    expect(new Set(kids.flat())).toHaveLength(1);
    expect(await storedKeys()).toHaveLength(1);
  });

  it('are published as RFC 8037 says, without the private half', async () => {
    const { keys } = await open.auth.jwks();
    expect(keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        alg: 'EdDSA',
        use: 'sig',
        kid: expect.any(String),
        x: expect.stringMatching(/^[\w-]{43}$/),
      },
    ]);
  });

  it('rotate: new tokens by the new key at once, old tokens good until they expire, both keys published', async () => {
    const person = await open.newPerson();
    const old = await person.signIn();
    const oldKid = decodeToken(old.accessToken).header['kid'];
    const { kid } = await open.auth.rotateSigningKey();
    expect(open.events.at(-1)).toMatchObject({ type: 'signing-key.rotated', details: { kid } });
    const next = await person.signIn();
    expect(decodeToken(next.accessToken).header['kid']).toBe(kid);
    expect(await kidsOf()).toEqual([kid, oldKid]);
    // A process that has seen neither token, and one that has to find the new key.
    expect(await codeOf(open.another().verifyAccessToken(old.accessToken))).toBe('none');
    expect(await codeOf(open.another().verifyAccessToken(next.accessToken))).toBe('none');
    await open.clock.advance(930_000 - 1_000);
    expect(await codeOf(open.another().verifyAccessToken(old.accessToken))).toBe('none');
    expect(await kidsOf()).toContain(oldKid);
    // 15 minutes, 30 seconds, and the minute for which other processes may not have heard of it.
    await open.clock.advance(61_001);
    expect(await kidsOf()).toEqual([kid]);
    expect(await codeOf(open.auth.verifyAccessToken(old.accessToken))).toBe('AUTH_TOKEN_INVALID');
  });

  it('are found by a process that knew only the old one, when a token names them', async () => {
    const reader = open.another();
    const person = await open.newPerson();
    await reader.verifyAccessToken((await person.signIn()).accessToken);
    await open.clock.advance(1_000);
    await open.auth.rotateSigningKey();
    expect(await codeOf(reader.verifyAccessToken((await person.signIn()).accessToken))).toBe('none');
  });

  it('are not looked for more than once a second, whatever kids are made up', async () => {
    const { accessToken } = await (await open.newPerson()).signIn();
    const [, payload, signature] = accessToken.reveal().split('.');
    const junk = (index: number): string => {
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: `made-up-${index}` };
      return [Buffer.from(JSON.stringify(header)).toString('base64url'), payload, signature].join('.');
    };
    await open.auth.verifyAccessToken(accessToken);
    await open.clock.advance(1_000);
    const before = open.transactions('signing-key');
    for (let index = 0; index < 50; index += 1) await codeOf(open.auth.verifyAccessToken(junk(index)));
    expect(open.transactions('signing-key')).toBe(before + 1);
  });

  it('are used for a minute before a process looks again, and then the new one signs there too', async () => {
    const other = open.another();
    const { email } = await open.newPerson();
    const kidOf = async (): Promise<unknown> =>
      decodeToken((await other.signIn({ email, password: PASSWORD })).accessToken).header['kid'];
    const before = await kidOf();
    const { kid } = await open.auth.rotateSigningKey();
    expect(await kidOf()).toBe(before);
    await open.clock.advance(60_000);
    expect(await kidOf()).toBe(kid);
  });

  it('stay one when two rotate at once', async () => {
    const rotated = await Promise.all([open.auth.rotateSigningKey(), open.another().rotateSigningKey()]);
    // Each one's key came to be, and the later one retired the earlier.
    expect((await storedKeys()).map(({ kid }) => kid)).toEqual(expect.arrayContaining(rotated.map(({ kid }) => kid)));
    expect((await storedKeys()).filter((row) => row.retired_at === null)).toHaveLength(1);
  });

  it('are stored sealed, each bound to its kid', async () => {
    for (const { private_sealed: sealed } of await storedKeys()) {
      // Every PKCS #8 document of Ed25519 begins like this.
      expect(Buffer.from(sealed).includes(Buffer.from('302e020100300506032b6570', 'hex'))).toBe(false);
    }
  });

  it('stay readable when the key ring rotates, and are refused plainly without the key that sealed them', async () => {
    const { email } = await open.newPerson();
    const input = { email, password: PASSWORD };
    expect(await codeOf(open.another({ keys: open.keys.rotate() }).signIn(input))).toBe('none');
    const foreign = open.another({ keys: KeyRing.generate() });
    const error = await thrownBy(foreign.signIn(input));
    expect(error).toMatchObject({ code: 'AUTH_SIGNING_KEY_UNREADABLE', retryable: false });
    expect(error.message).toContain('rotate the signing key');
    // As the message says.
    await foreign.rotateSigningKey();
    expect(await codeOf(foreign.signIn(input))).toBe('none');
    await open.auth.rotateSigningKey();
  });

  it('are refused when a row was given the key of another', async () => {
    await open.auth.rotateSigningKey();
    await open.test.database.withSystem('test', async (tx) => {
      await sql`update signing_keys set private_sealed = (select private_sealed from signing_keys where retired_at is not null limit 1)
        where retired_at is null`.execute(tx);
    });
    const { email } = await open.newPerson();
    expect(await codeOf(open.another().signIn({ email, password: PASSWORD }))).toBe('AUTH_SIGNING_KEY_UNREADABLE');
    await open.auth.rotateSigningKey();
  });

  it('open nothing to a thief once they are spent, though their rows are still there', async () => {
    const { accessToken } = await (await open.newPerson()).signIn();
    const { header, payload } = decodeToken(accessToken);
    const kid = String(header['kid']);
    const row = (await storedKeys()).find((one) => one.kid === kid);
    const bytes = openEnvelope(open.keys.subring('auth/signing-keys'), row?.private_sealed ?? new Uint8Array(), {
      associatedData: ['signing-key', kid],
    });
    const stolen = createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' });
    const forge = (): Promise<string> => {
      const nowSeconds = Math.floor(open.clock.now() / 1_000);
      const claims = { ...payload, iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 60 };
      return new SignJWT(claims).setProtectedHeader(header as never).sign(stolen);
    };
    await open.auth.rotateSigningKey();
    await open.clock.advance(990_000);
    expect(await codeOf(open.auth.verifyAccessToken(await forge()))).toBe('none');
    await open.clock.advance(1_000);
    expect(await codeOf(open.auth.verifyAccessToken(await forge()))).toBe('AUTH_TOKEN_INVALID');
    expect((await storedKeys()).some((one) => one.kid === kid)).toBe(true);
  });

  it('are purged when no valid token needs them, and not before', async () => {
    await open.clock.advance(3_600_000);
    await open.auth.purge();
    const person = await open.newPerson();
    const { accessToken } = await person.signIn();
    await open.auth.rotateSigningKey();
    await open.clock.advance(929_000);
    expect((await open.auth.purge()).signingKeys).toBe(0);
    expect(await codeOf(open.another().verifyAccessToken(accessToken))).toBe('none');
    await open.clock.advance(62_000);
    expect((await open.auth.purge()).signingKeys).toBe(1);
    expect(await storedKeys()).toHaveLength(1);
  });
});
