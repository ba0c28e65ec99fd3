import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, oauth2, type CredentialVault } from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';

const reference = { scope: 'org:acme/team:eng', id: 'key' };

let open: OpenVault;
let vault: CredentialVault;
const inMs = (ms: number): Date => new Date(open.clock.now() + ms);

beforeEach(() => {
  open = openVault();
  vault = open.vault;
});

describe('validating', () => {
  it('says of a credential that has not expired that it is valid', async () => {
    await vault.store(reference, apiKey('x'), { expiresAt: inMs(1_000) });
    expect(await vault.validate(reference)).toEqual({
      status: 'valid',
      ...reference,
      expiresAt: inMs(1_000),
      rotateAfter: undefined,
      isRotationRecommended: false,
    });
  });

  it('says of one that has expired when it did', async () => {
    const expiredAt = inMs(1_000);
    await vault.store(reference, apiKey('x'), { expiresAt: expiredAt });
    await open.clock.advance(999);
    expect((await vault.validate(reference)).status).toBe('valid');
    await open.clock.advance(1);
    expect(await vault.validate(reference)).toEqual({ status: 'expired', ...reference, expiredAt, now: expiredAt });
  });

  it('says of one that is missing that it was not found, which is no error', async () => {
    expect(await vault.validate(reference)).toEqual({ status: 'not-found', ...reference });
  });

  it('says in another scope that it was not found', async () => {
    await vault.store(reference, apiKey('x'));
    expect(await vault.within('org:acme/team:ops').validate(reference)).toEqual({ status: 'not-found', ...reference });
    expect(await vault.validate({ ...reference, scope: 'org:acme' })).toMatchObject({ status: 'not-found' });
    expect((await vault.within('org:acme').validate(reference)).status).toBe('valid');
  });

  it('recommends a rotation when less than a quarter of the lifetime is left', async () => {
    await vault.store(reference, apiKey('x'), { expiresAt: inMs(4_000) });
    await open.clock.advance(3_000);
    expect(await vault.validate(reference)).toMatchObject({ isRotationRecommended: false });
    await open.clock.advance(1);
    expect(await vault.validate(reference)).toMatchObject({ isRotationRecommended: true });
  });

  it('recommends a rotation when a policy asks for it, counted from the last one', async () => {
    await vault.store(reference, apiKey('x'), { policies: [{ type: 'periodic', intervalMs: 1_000 }] });
    await open.clock.advance(1_000);
    expect(await vault.validate(reference)).toMatchObject({ status: 'valid', isRotationRecommended: true });
    await vault.rotate(reference, apiKey('y'));
    expect(await vault.validate(reference)).toMatchObject({ isRotationRecommended: false, rotateAfter: inMs(1_000) });
    await open.clock.advance(1_000);
    expect(await vault.validate(reference)).toMatchObject({ isRotationRecommended: true });
  });

  it('needs no key: it works with a ring that opens nothing', async () => {
    await vault.store(reference, apiKey('x'), { expiresAt: inMs(1_000) });
    const stranger = openVault({ storage: open.storage, ring: KeyRing.generate() });
    expect((await stranger.vault.validate(reference)).status).toBe('valid');
    expect((await stranger.vault.validateMany([reference])).orThrow()).toMatchObject([{ status: 'valid' }]);
    expect(await codeOf(stranger.vault.retrieve(reference))).toBe('CREDENTIAL_UNREADABLE');
  });

  it('reads nothing that the cache has', async () => {
    const cached = openVault({ build: (builder) => builder.cache({}) });
    await cached.vault.store(reference, apiKey('x'));
    await cached.vault.retrieve(reference);
    cached.storage.reset();
    expect((await cached.vault.validate(reference)).status).toBe('valid');
    expect(cached.storage.calls).toEqual([]);
  });

  it('many gives each its own result, in order, missing and expired ones among them', async () => {
    const ids = ['valid', 'expired', 'missing', 'soon'];
    await vault.store({ ...reference, id: 'valid' }, apiKey('x'));
    await vault.store({ ...reference, id: 'expired' }, apiKey('x'), { expiresAt: inMs(1) });
    await vault.store({ ...reference, id: 'soon' }, apiKey('x'), { expiresAt: inMs(100) });
    await open.clock.advance(90);
    const references = [...ids.map((id) => ({ ...reference, id })), { scope: 'wrong', id: 'x' }];
    for (const storage of [open.storage, openVault({ inner: open.storage, hasBatches: true }).storage]) {
      const same = openVault({ storage, ring: open.ring });
      await same.clock.advance(90);
      const { items, succeeded, failed } = await same.vault.validateMany(references);
      expect([succeeded, failed]).toEqual([4, 1]);
      expect(items.map((item) => (item.ok ? item.value.status : item.error.code))).toEqual([
        'valid',
        'expired',
        'not-found',
        'valid',
        'CREDENTIAL_SCOPE_INVALID',
      ]);
      expect(items[3]).toMatchObject({ value: { isRotationRecommended: true } });
    }
  });
});

describe('retrieving what has expired', () => {
  it('is an error that names it and its end, and hands out nothing', async () => {
    await vault.store(reference, apiKey('x'), { expiresAt: inMs(1_000) });
    await open.clock.advance(1_000);
    const failure = await failureOf(vault.retrieve(reference));
    expect(failure).toMatchObject({
      code: 'CREDENTIAL_EXPIRED',
      retryable: false,
      details: { ...reference, expiredAt: inMs(0).toISOString() },
    });
    expect(open.audited.at(-1)).toMatchObject({
      action: 'read',
      outcome: 'failed',
      details: { code: 'CREDENTIAL_EXPIRED' },
    });
  });

  it('gives it all the same when that is asked for', async () => {
    await vault.store(reference, oauth2({ accessToken: 'old' }), { expiresAt: inMs(-1) });
    expect((await vault.retrieve(reference, { allowExpired: true }))?.secret.reveal()).toBe('old');
    expect(await codeOf(vault.retrieve(reference, { allowExpired: false }))).toBe('CREDENTIAL_EXPIRED');
    expect((await vault.retrieveMany([reference], { allowExpired: true })).orThrow()[0]?.secret.reveal()).toBe('old');
  });

  it('is told from the cache as well, to the millisecond', async () => {
    const cached = openVault({ build: (builder) => builder.cache({}) });
    const expiresAt = new Date(cached.clock.now() + 1_000);
    await cached.vault.store(reference, apiKey('x'), { expiresAt });
    await cached.vault.retrieve(reference);
    await cached.clock.advance(999);
    expect(await codeOf(cached.vault.retrieve(reference))).toBe('none');
    await cached.clock.advance(1);
    expect(await codeOf(cached.vault.retrieve(reference))).toBe('CREDENTIAL_EXPIRED');
    expect(cached.storage.calls.filter((call) => call === 'get')).toHaveLength(2);
  });
});

describe('an earlier version', () => {
  it('is handed out by its number until its grace is over, and no longer', async () => {
    await vault.store(reference, apiKey('old'));
    await vault.rotate(reference, apiKey('new'), { graceMs: 1_000 });
    expect((await vault.retrieve(reference, { version: 1 }))?.secret.reveal()).toBe('old');
    expect((await vault.retrieve(reference, { version: 2 }))?.secret.reveal()).toBe('new');
    expect(await vault.retrieve(reference, { version: 3 })).toBeUndefined();
    await open.clock.advance(999);
    expect((await vault.retrieve(reference, { version: 1 }))?.version).toBe(1);
    await open.clock.advance(1);
    expect(await vault.retrieve(reference, { version: 1 })).toBeUndefined();
    expect(open.audited.at(-1)).toMatchObject({ action: 'read', outcome: 'missing' });
  });

  it('that has itself expired is not handed out within its grace either', async () => {
    await vault.store(reference, apiKey('old'), { expiresAt: inMs(500) });
    await vault.rotate(reference, apiKey('new'), { graceMs: 1_000 });
    await open.clock.advance(500);
    expect(await codeOf(vault.retrieve(reference, { version: 1 }))).toBe('CREDENTIAL_EXPIRED');
    expect(await codeOf(vault.retrieve(reference))).toBe('none');
  });
});
