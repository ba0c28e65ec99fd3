import { CodedError, runInContext } from '@tenon/core';
import { codeOf, createTestClock, type TestClock } from '@tenon/core/testing';
import { credentials, oauth2, type CredentialStorage, type CredentialVault } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { createProvider, type TestProvider } from './provider.ts';

const place = { scope: 'org:acme', id: 'github' };
const HOUR_MS = 3_600_000;

describe('refreshing', () => {
  const keys = KeyRing.generate();
  let clock: TestClock;
  let storage: CredentialStorage;
  let provider: TestProvider;
  let vault: CredentialVault;

  /** Another process on the same storage. */
  const another = (of: TestProvider = provider): CredentialVault =>
    credentials().storage(storage).keys(keys).tenant('main').clock(clock).refresher(of.refresher).build();
  const storeTokens = (lifetimeMs = HOUR_MS): Promise<unknown> =>
    vault.store(
      place,
      oauth2({ accessToken: 'access-1', refreshToken: 'refresh-1', expiresAt: new Date(clock.now() + lifetimeMs) }),
    );
  const accessToken = async (of: CredentialVault = vault): Promise<string | undefined> =>
    (await of.retrieve(place, { kind: oauth2 }))?.secret.reveal();

  beforeEach(async () => {
    clock = createTestClock();
    storage = memoryStorage();
    provider = createProvider(() => clock.now());
    vault = another();
    await storeTokens();
  });

  it('gives new material, and keeps the old for its grace', async () => {
    const info = await vault.refresh(place);
    expect(info).toMatchObject({ version: 2, needsReauthorization: false, expiresAt: new Date(clock.now() + HOUR_MS) });
    expect(provider.requests[0]).toMatchObject({
      tenant: 'main',
      ...place,
      version: 1,
      material: { accessToken: 'access-1', refreshToken: 'refresh-1' },
    });
    expect(await accessToken()).toBe('access-2');
    expect((await vault.retrieve(place, { version: 1 }))?.secret.reveal()).toBe('access-1');
    await clock.advance(300_000);
    expect(await vault.retrieve(place, { version: 1 })).toBeUndefined();
  });

  it('never shows the refresh token to a consumer', async () => {
    const credential = await vault.retrieve(place, { kind: oauth2 });
    expect(credential?.value).toEqual({ tokenType: 'Bearer', scopes: [] });
    expect(JSON.stringify({ ...credential, revealed: credential?.secret.reveal() })).not.toContain('refresh-1');
  });

  it('happens by itself when what has ended is used, once for all who use it', async () => {
    await clock.advance(HOUR_MS);
    expect(await Promise.all(Array.from({ length: 50 }, () => accessToken()))).toEqual(
      Array.from({ length: 50 }, () => 'access-2'),
    );
    expect(provider.requests).toHaveLength(1);
  });

  it('happens behind the back of who uses what is about to end', async () => {
    await clock.advance(HOUR_MS - 60_000);
    expect(await accessToken()).toBe('access-1');
    await expect.poll(() => accessToken()).toBe('access-2');
    expect(provider.requests).toHaveLength(1);
  });

  it('is not done for what still holds', async () => {
    await clock.advance(HOUR_MS - 60_001);
    expect(await accessToken()).toBe('access-1');
    expect(provider.requests).toHaveLength(0);
  });

  it('is done by one of two processes, and the other one has what comes of it', async () => {
    const other = another();
    provider.next('hang');
    const first = vault.refresh(place);
    await expect.poll(() => provider.requests.length).toBe(1);
    const second = other.refresh(place);
    await clock.advance(200);
    provider.letGo();
    expect((await first).version).toBe(2);
    await clock.advance(200);
    expect((await second).version).toBe(2);
    expect(provider.requests).toHaveLength(1);
  });

  it('tells who waits too long for another process when to come again', async () => {
    const other = another();
    provider.next('hang');
    const first = codeOf(vault.refresh(place));
    await expect.poll(() => provider.requests.length).toBe(1);
    const second = other.refresh(place).catch((error: unknown) => error);
    for (let waited = 0; waited < 8_000; waited += 200) await clock.advance(200);
    expect(await second).toMatchObject({
      code: 'CREDENTIAL_REFRESH_BUSY',
      retryable: true,
      retryAfterMs: expect.any(Number),
    });
    expect(await first).toBe('CREDENTIAL_OUTCOME_UNKNOWN');
  });

  it('stores an answer that comes too late for the caller', async () => {
    provider.next('hang');
    const waiting = codeOf(vault.refresh(place));
    await expect.poll(() => provider.requests.length).toBe(1);
    await clock.advance(8_000);
    expect(await waiting).toBe('CREDENTIAL_OUTCOME_UNKNOWN');
    await clock.advance(40_000);
    provider.letGo();
    await expect.poll(async () => (await vault.inspect(place))?.version).toBe(2);
    expect(await accessToken()).toBe('access-2');
    expect([provider.requests.length, provider.replays()]).toEqual([1, 0]);
  });

  it('goes on when its caller goes away', async () => {
    const gone = new AbortController();
    provider.next('hang');
    const waiting = codeOf(runInContext({ tenant: 'main', signal: gone.signal }, () => vault.refresh(place)));
    await expect.poll(() => provider.requests.length).toBe(1);
    gone.abort();
    provider.letGo();
    expect(await waiting).toBe('none');
    expect((await vault.inspect(place))?.version).toBe(2);
  });

  it('asks a person to sign in when the provider rejects the material for good', async () => {
    provider.next('reject');
    expect(await codeOf(vault.refresh(place))).toBe('CREDENTIAL_REAUTHORIZATION_REQUIRED');
    expect(await codeOf(another().refresh(place))).toBe('CREDENTIAL_REAUTHORIZATION_REQUIRED');
    expect(provider.requests).toHaveLength(1);
    expect(await vault.validate(place)).toMatchObject({ status: 'invalid' });
    expect((await vault.inspect(place))?.needsReauthorization).toBe(true);
    await storeTokens();
    expect((await vault.refresh(place)).needsReauthorization).toBe(false);
  });

  it('asks a person to sign in when there is nothing to refresh with', async () => {
    provider.next('nothing');
    expect(await codeOf(vault.refresh(place))).toBe('CREDENTIAL_REAUTHORIZATION_REQUIRED');
  });

  it('is tried again after a failure that changed nothing, later each time, and by no process before that', async () => {
    for (const delayMs of [1_000, 2_000, 4_000, 8_000, 300_000, 300_000]) {
      provider.next('refuse');
      const failed = await vault.refresh(place).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: 'CREDENTIAL_REFRESH_FAILED', retryable: true, retryAfterMs: delayMs });
      const asked = provider.requests.length;
      await clock.advance(delayMs - 1);
      expect(
        await another()
          .refresh(place)
          .catch((error: unknown) => error),
      ).toMatchObject({ retryAfterMs: 1 });
      expect(provider.requests).toHaveLength(asked);
      await clock.advance(1);
    }
    expect((await vault.refresh(place)).version).toBe(2);
  });

  it('never asks twice with what is good once, when nobody knows whether it was done', async () => {
    provider.next('throw');
    expect(await codeOf(vault.refresh(place))).toBe('CREDENTIAL_REAUTHORIZATION_REQUIRED');
    await clock.advance(HOUR_MS);
    expect(await codeOf(another().refresh(place))).toBe('CREDENTIAL_REAUTHORIZATION_REQUIRED');
    expect([provider.requests.length, provider.replays()]).toEqual([1, 0]);
  });

  it('asks again with what may be used twice, until it happens for the third time in an hour', async () => {
    const patient = createProvider(() => clock.now(), { isReplayable: true });
    const own = another(patient);
    for (const code of [
      'CREDENTIAL_OUTCOME_UNKNOWN',
      'CREDENTIAL_OUTCOME_UNKNOWN',
      'CREDENTIAL_REAUTHORIZATION_REQUIRED',
    ]) {
      patient.next('throw');
      expect(await codeOf(own.refresh(place))).toBe(code);
      await clock.advance(10_000);
    }
    expect(patient.requests).toHaveLength(3);
  });

  it('takes a claim that nobody prolongs for one whose holder died after asking', async () => {
    const record = await storage.get({ tenant: 'main', ...place }, { signal: new AbortController().signal });
    if (record === undefined) throw new Error('it was stored');
    const claim = { holder: 'dead', expiresAt: clock.now() + 30_000 };
    const refresh = { failures: 0, unknownAt: [], generation: 1, claim };
    const given = { record: { ...record, revision: record.revision + 1, refresh }, expectedRevision: record.revision };
    await storage.put(given, { signal: new AbortController().signal });
    await clock.advance(30_000);
    expect(await codeOf(vault.refresh(place))).toBe('CREDENTIAL_REAUTHORIZATION_REQUIRED');
    expect(provider.requests).toHaveLength(0);
  });

  it('prolongs its claim for as long as it waits for the provider', async () => {
    provider.next('hang');
    const waiting = codeOf(vault.refresh(place));
    await expect.poll(() => provider.requests.length).toBe(1);
    for (let waited = 0; waited < 60_000; waited += 5_000) {
      await clock.advance(5_000);
      const waits = Promise.reject(new CodedError('WAITS', 'it waits'));
      expect(await codeOf(Promise.race([another().refresh(place), waits]))).toBe('WAITS');
    }
    provider.letGo();
    expect(await waiting).toBe('CREDENTIAL_OUTCOME_UNKNOWN');
    await expect.poll(async () => (await vault.inspect(place))?.version).toBe(2);
    expect(provider.requests).toHaveLength(1);
  });

  it('loses to what was stored meanwhile, and does not overwrite it', async () => {
    provider.next('hang');
    const waiting = codeOf(vault.refresh(place));
    await expect.poll(() => provider.requests.length).toBe(1);
    await vault.store(place, oauth2({ accessToken: 'by-hand' }));
    provider.letGo();
    expect(await waiting).toBe('CREDENTIAL_OUTCOME_UNKNOWN');
    expect(await accessToken()).toBe('by-hand');
  });

  it('is impossible without a refresher for the kind, and of what is not there', async () => {
    const without = credentials().storage(storage).keys(keys).tenant('main').clock(clock).build();
    expect(await codeOf(without.refresh(place))).toBe('CREDENTIAL_REFRESH_IMPOSSIBLE');
    expect(await codeOf(vault.refresh({ ...place, id: 'none' }))).toBe('CREDENTIAL_NOT_FOUND');
    expect(await codeOf(vault.within('org:other').refresh(place))).toBe('CREDENTIAL_SCOPE_VIOLATION');
  });

  it('runs at most so many at a time', async () => {
    const own = credentials().storage(storage).keys(keys).tenant('main').clock(clock).refresher(provider.refresher);
    const limited = own.refreshing({ concurrency: 2 }).build();
    const places = ['a', 'b', 'c'].map((id) => ({ ...place, id }));
    for (const one of places) await vault.store(one, oauth2({ accessToken: 'x', refreshToken: one.id }));
    provider.next('hang', 'hang');
    const all = Promise.all(places.map((one) => codeOf(limited.refresh(one))));
    await expect.poll(() => provider.requests.length).toBe(2);
    await clock.advance(8_000);
    await expect.poll(() => provider.requests.length).toBe(3);
    expect((await all).toSorted()).toEqual(['CREDENTIAL_OUTCOME_UNKNOWN', 'CREDENTIAL_OUTCOME_UNKNOWN', 'none']);
  });

  it.each([
    [{ heartbeatMs: 10_001 }],
    [{ timeoutMs: 10_001 }],
    [{ claimTtlMs: 0 }],
    [{ concurrency: 0 }],
    [{ concurrency: 1_001 }],
    [{ graceMs: -1 }],
    [{ lateMs: Number.NaN }],
    [{ beforeExpiryMs: -1 }],
  ])('refuses times that contradict each other: %j', (options) => {
    const own = credentials().storage(storage).keys(keys).refresher(provider.refresher);
    expect(() => own.refreshing(options).build()).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID' }),
    );
    expect(() => own.refresher(provider.refresher).build()).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID' }),
    );
  });
});
