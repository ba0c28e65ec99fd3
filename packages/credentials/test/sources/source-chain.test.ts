import { CodedError, runAs, runInContext } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import type { TestClock } from '@tenon/core/testing';
import {
  apiKey,
  bearer,
  CredentialMaterial,
  oauth2,
  type CredentialErrorCode,
  type CredentialKey,
  type CredentialsBuilder,
  type CredentialVault,
} from '@tenon/credentials';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault, type OpenVaultOptions } from '../vault/support/open-vault.ts';
import { memorySource, type MemorySource } from './support/memory-source.ts';
import { printOut } from './support/print-out.ts';

const scope = 'org:acme/team:eng';
const github = { scope, id: 'github' };
const key: CredentialKey = { tenant: 'main', ...github };

let open: OpenVault;
let vault: CredentialVault;
let clock: TestClock;
let first: MemorySource;
let second: MemorySource;

const start = (options: OpenVaultOptions = {}): void => {
  first = memorySource('first');
  second = memorySource('second');
  const build = (builder: CredentialsBuilder<true, true>) =>
    (options.build?.(builder) ?? builder).source(first).source(second);
  open = openVault({ ...options, build });
  ({ vault, clock } = open);
};
beforeEach(() => start());

const reveal = async (reference = github) => (await vault.retrieve(reference))?.secret.reveal();
const failing = (code: CredentialErrorCode, more = {}) => {
  throw new CodedError(code, 'it went wrong', more);
};
/** A source that answers when the test says so. */
const held = (source: MemorySource) => {
  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  source.before(() => {
    arrived.resolve();
    return gate.promise;
  });
  return { arrived: arrived.promise, release: () => gate.resolve() };
};

describe('the order', () => {
  it('is the storage, and then the sources as they were given', async () => {
    second.put(key, apiKey('of the second'));
    expect(await reveal()).toBe('of the second');
    expect(open.storage.calls).toEqual(['get']);
    expect([first.asked, second.asked]).toEqual([[key], [key]]);
    first.put(key, apiKey('of the first'));
    expect(await reveal()).toBe('of the first');
    expect(second.asked).toHaveLength(1);
    await vault.store(github, apiKey('of the storage'));
    expect(await reveal()).toBe('of the storage');
    expect(first.asked).toHaveLength(2);
  });

  it('ends with undefined when none has it', async () => {
    expect(await vault.retrieve(github)).toBeUndefined();
    expect(await vault.inspect(github)).toBeUndefined();
    expect(await vault.validate(github)).toMatchObject({ status: 'not-found' });
  });

  it.each<CredentialErrorCode>([
    'CREDENTIAL_STORAGE_DENIED',
    'CREDENTIAL_STORAGE_UNAVAILABLE',
    'CREDENTIAL_STORAGE_TIMEOUT',
    'CREDENTIAL_STORAGE_CORRUPT',
    'CREDENTIAL_STORAGE_FAILED',
    'CREDENTIAL_TOO_LARGE',
    'CREDENTIAL_UNREADABLE',
    'CREDENTIAL_INVALID',
  ])('stops at %s of a source, which names source, scope and id', async (code) => {
    start({ build: (builder) => builder.retry({ attempts: 1 }) });
    second.put(key, apiKey('of the second'));
    first.before(() => failing(code));
    for (const read of [vault.retrieve(github), vault.inspect(github), vault.validate(github)]) {
      const failure = await failureOf(read);
      expect(failure).toMatchObject({ code, details: { source: 'first', scope, id: 'github' } });
      for (const named of ['first', scope, 'github']) expect(failure.message).toContain(`"${named}"`);
    }
    expect(second.asked).toEqual([]);
  });

  it('stops at any other error too, whatever it is', async () => {
    second.put(key, apiKey('of the second'));
    first.before(() => {
      throw new TypeError('a bug');
    });
    const failure = await failureOf(vault.retrieve(github));
    expect(failure).toMatchObject({
      code: 'CREDENTIAL_STORAGE_FAILED',
      details: { source: 'first', id: 'github', scope },
    });
    expect(failure.message).toContain('the source "first"');
    expect(second.asked).toEqual([]);
  });

  it('stops at a failure of the storage', async () => {
    first.put(key, apiKey('of the first'));
    open.storage.before(() => failing('CREDENTIAL_STORAGE_DENIED'));
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(first.asked).toEqual([]);
  });

  it('needs a name for each source of its own', async () => {
    const failure = await failureOf(() =>
      openVault({ build: (builder) => builder.source(memorySource('a')).source(memorySource('a')) }),
    );
    expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option: 'source' } });
  });
});

describe('what a source gives', () => {
  it('is a credential with its kind, its end and where it came from', async () => {
    const expiresAt = new Date(clock.now() + 60_000);
    const createdAt = new Date(clock.now() - 60_000);
    first.put(key, bearer('tok'), { version: 'v-17', expiresAt, createdAt });
    expect(await vault.retrieve(github, { kind: bearer })).toMatchObject({
      ...github,
      kind: 'bearer',
      version: 1,
      expiresAt,
      tags: {},
      origin: { source: 'first', version: 'v-17' },
    });
    expect(await vault.inspect(github)).toMatchObject({
      ...github,
      kind: 'bearer',
      createdAt,
      expiresAt,
      policies: [],
      previous: [],
      origin: { source: 'first', version: 'v-17' },
    });
    expect(await vault.validate(github)).toMatchObject({ status: 'valid', expiresAt });
  });

  it('is told from what the vault keeps itself', async () => {
    await vault.store(github, apiKey('ours'));
    expect(await vault.retrieve(github)).toMatchObject({ origin: undefined });
    expect((await vault.inspect(github))?.origin).toBeUndefined();
  });

  it('ends when its material says so, unless the source knows better', async () => {
    const expiresAt = new Date(clock.now() + 1_000);
    first.put(key, oauth2({ accessToken: 'tok', expiresAt }));
    expect(await vault.retrieve(github)).toMatchObject({ expiresAt });
    await clock.advance(1_000);
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIAL_EXPIRED');
    expect(await vault.validate(github)).toMatchObject({ status: 'expired' });
    expect((await vault.retrieve(github, { allowExpired: true }))?.secret.reveal()).toBe('tok');
    first.put(key, oauth2({ accessToken: 'tok', expiresAt }), { expiresAt: new Date(clock.now() + 5_000) });
    expect(await reveal()).toBe('tok');
  });

  it('must be of the kind that is expected', async () => {
    first.put(key, bearer('tok'));
    expect(await codeOf(vault.retrieve(github, { kind: apiKey }))).toBe('CREDENTIAL_KIND_MISMATCH');
  });

  it.each<[string, CredentialMaterial, CredentialErrorCode]>([
    [
      'of a kind that the vault does not know',
      new CredentialMaterial('smtp', { key: 'canary' }),
      'CREDENTIAL_KIND_UNKNOWN',
    ],
    [
      'without the form of its kind',
      new CredentialMaterial('api-key', { canary: 'canary-value' }),
      'CREDENTIAL_INVALID',
    ],
  ])('is refused %s', async (_, material, code) => {
    first.put(key, material);
    second.put(key, apiKey('of the second'));
    const failure = await failureOf(vault.retrieve(github));
    expect(failure).toMatchObject({ code, details: { source: 'first', id: 'github', scope } });
    expect(printOut(failure, open.log)).not.toContain('canary-value');
  });

  it.each(['expiresAt', 'createdAt'])('is refused with a date in %s that is none', async (field) => {
    first.put(key, apiKey('k'), { [field]: new Date(Number.NaN) });
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIAL_STORAGE_CORRUPT');
  });

  it('has no earlier versions: for those the storage alone is asked', async () => {
    first.put(key, apiKey('k'));
    expect(await vault.retrieve(github, { version: 1 })).toBeUndefined();
    expect(first.asked).toEqual([]);
  });
});

describe('nothing of a source is ever written', () => {
  it('neither to the storage nor to the audit nor to the log, in plain or sealed', async () => {
    first.put(key, apiKey('canary-secret'), { ttlMs: 60_000 });
    await vault.retrieve(github);
    await vault.retrieve(github);
    await vault.inspect(github);
    await vault.validate(github);
    await vault.retrieveMany([github]);
    expect(open.storage.calls.filter((call) => call !== 'get')).toEqual([]);
    const { items } = await vault.list({ scope });
    expect(items).toEqual([]);
    expect(printOut(open.log, open.audited, vault)).not.toContain('canary-secret');
  });

  it('and what changes credentials does not know of it', async () => {
    first.put(key, apiKey('of the first'));
    expect(await codeOf(vault.rotate(github, apiKey('new')))).toBe('CREDENTIAL_NOT_FOUND');
    expect(await codeOf(vault.store(github, apiKey('new'), { mode: 'replace' }))).toBe('CREDENTIAL_NOT_FOUND');
    expect(await vault.delete(github)).toBe(false);
    expect(first.asked).toEqual([]);
    expect(await vault.store(github, apiKey('ours'), { mode: 'create' })).toMatchObject({ version: 1 });
    expect(await reveal()).toBe('ours');
    await vault.delete(github);
    expect(await reveal()).toBe('of the first');
  });
});

describe('tenants and scopes', () => {
  it('are those of the reader: a source is asked for nothing else', async () => {
    start({ tenant: 'none' });
    first.put({ ...key, tenant: 'acme' }, apiKey('of acme'));
    const inTenant = (tenant: string) => runAs({ tenant }, () => reveal());
    expect(await inTenant('acme')).toBe('of acme');
    expect(await inTenant('other')).toBeUndefined();
    expect(first.asked.map(({ tenant }) => tenant)).toEqual(['acme', 'other']);
    expect(await codeOf(vault.retrieve(github))).toBe('TENANT_REQUIRED');
  });

  it('that a view may not see look like what is missing, and no source hears of it', async () => {
    first.put(key, apiKey('of the first'));
    const elsewhere = vault.within('org:acme/team:ops');
    expect(await elsewhere.retrieve(github)).toBeUndefined();
    expect(await elsewhere.inspect(github)).toBeUndefined();
    expect(await elsewhere.validate(github)).toMatchObject({ status: 'not-found' });
    expect((await elsewhere.retrieveMany([github])).items).toMatchObject([{ ok: true, value: undefined }]);
    expect(first.asked).toEqual([]);
    expect((await vault.within('org:acme').retrieve(github))?.secret.reveal()).toBe('of the first');
  });

  it('are part of what is kept in memory', async () => {
    start({ tenant: 'none' });
    first.put({ ...key, tenant: 'acme' }, apiKey('of acme'), { ttlMs: 60_000 });
    const inTenant = (tenant: string, reference = github) => runAs({ tenant }, () => reveal(reference));
    expect(await inTenant('acme')).toBe('of acme');
    expect(await inTenant('other')).toBeUndefined();
    expect(await inTenant('acme', { ...github, scope: 'org:acme' })).toBeUndefined();
  });
});

describe('time', () => {
  it('is one deadline for the storage and all sources together', async () => {
    const slow = held(first);
    const reading = failureOf(vault.retrieve(github));
    await slow.arrived;
    await clock.advance(3_000);
    slow.release();
    const stuck = held(second);
    // The second has only what the first has left.
    await stuck.arrived;
    await clock.advance(1_999);
    await clock.advance(1);
    expect(await reading).toMatchObject({
      code: 'CREDENTIAL_STORAGE_TIMEOUT',
      retryable: true,
      details: { source: 'second', id: 'github', scope, timeoutMs: 2_000 },
    });
    expect(clock.pending()).toBe(0);
  });

  it('that the storage has spent is not given again', async () => {
    const stored = Promise.withResolvers<void>();
    open.storage.before(() => stored.promise);
    const stuck = held(first);
    const reading = failureOf(vault.retrieve(github));
    await clock.advance(4_000);
    stored.resolve();
    await stuck.arrived;
    await clock.advance(1_000);
    expect(await reading).toMatchObject({ code: 'CREDENTIAL_STORAGE_TIMEOUT', details: { timeoutMs: 1_000 } });
  });

  it('follows the option operationTimeout', async () => {
    start({ build: (builder) => builder.operationTimeout(50) });
    const stuck = held(first);
    const reading = codeOf(vault.retrieve(github));
    await stuck.arrived;
    await clock.advance(50);
    expect(await reading).toBe('CREDENTIAL_STORAGE_TIMEOUT');
  });
});

describe('a source that is down for a moment', () => {
  it('is asked again, like the storage', async () => {
    first.put(key, apiKey('of the first'));
    let failures = 2;
    first.before(() => {
      failures -= 1;
      if (failures >= 0) failing('CREDENTIAL_STORAGE_UNAVAILABLE', { retryable: true });
    });
    const reading = reveal();
    await clock.advance(1_000);
    expect(await reading).toBe('of the first');
    expect(first.asked).toHaveLength(3);
  });

  it('is asked no more often than the option retry says', async () => {
    start({ build: (builder) => builder.retry({ attempts: 2 }) });
    first.before(() => failing('CREDENTIAL_STORAGE_UNAVAILABLE', { retryable: true }));
    const reading = codeOf(vault.retrieve(github));
    await clock.advance(5_000);
    expect(await reading).toBe('CREDENTIAL_STORAGE_UNAVAILABLE');
    expect(first.asked).toHaveLength(2);
  });

  it.each<CredentialErrorCode>([
    'CREDENTIAL_STORAGE_DENIED',
    'CREDENTIAL_STORAGE_TIMEOUT',
    'CREDENTIAL_STORAGE_CORRUPT',
  ])('is not asked again after %s', async (code) => {
    first.before(() => failing(code));
    expect(await codeOf(vault.retrieve(github))).toBe(code);
    expect(first.asked).toHaveLength(1);
  });

  it('is left alone for as long as it asks', async () => {
    first.put(key, apiKey('of the first'));
    let isBusy = true;
    first.before(() => {
      if (isBusy) failing('CREDENTIAL_STORAGE_UNAVAILABLE', { retryable: true, retryAfterMs: 2_000 });
    });
    const reading = reveal();
    await clock.advance(1_999);
    expect(first.asked).toHaveLength(1);
    isBusy = false;
    await clock.advance(1);
    expect(await reading).toBe('of the first');
    expect(first.asked).toHaveLength(2);
  });

  it('that asks for more time than there is fails at once, saying how much', async () => {
    first.before(() => failing('CREDENTIAL_STORAGE_UNAVAILABLE', { retryable: true, retryAfterMs: 30_000 }));
    expect(await failureOf(vault.retrieve(github))).toMatchObject({
      code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
      retryAfterMs: 30_000,
      details: { source: 'first' },
    });
  });
});

describe('readers at the same time', () => {
  it('share one question', async () => {
    first.put(key, apiKey('of the first'));
    const slow = held(first);
    const reading = Promise.all(Array.from({ length: 20 }, () => reveal()));
    await slow.arrived;
    slow.release();
    expect(await reading).toEqual(Array.from({ length: 20 }, () => 'of the first'));
    expect(first.asked).toHaveLength(1);
    expect(await reveal()).toBe('of the first');
    expect(first.asked).toHaveLength(2);
  });

  it('share one failure, which is not kept', async () => {
    first.put(key, apiKey('of the first'), { ttlMs: 60_000 });
    first.before(() => failing('CREDENTIAL_STORAGE_DENIED'));
    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(vault.retrieve(github))));
    expect(new Set(codes)).toEqual(new Set(['CREDENTIAL_STORAGE_DENIED']));
    expect(first.asked).toHaveLength(1);
    first.before(() => undefined);
    expect(await reveal()).toBe('of the first');
  });

  it('give up each for itself', async () => {
    first.put(key, apiKey('of the first'));
    const slow = held(first);
    const impatient = new AbortController();
    const giving = failureOf(runInContext({ signal: impatient.signal }, () => vault.retrieve(github)));
    await slow.arrived;
    const patient = reveal();
    await clock.advance(0);
    impatient.abort();
    expect(await giving).toMatchObject({ code: 'CREDENTIAL_ABORTED', details: { id: 'github', scope } });
    slow.release();
    expect(await patient).toBe('of the first');
    expect(first.asked).toHaveLength(1);
  });

  it('who have given up before ask nothing', async () => {
    const signal = AbortSignal.abort();
    expect(await codeOf(runInContext({ signal }, () => vault.retrieve(github)))).toBe('CREDENTIAL_ABORTED');
    expect(first.asked).toEqual([]);
  });
});

describe('what is kept in memory', () => {
  it('is nothing, unless the source says how long', async () => {
    first.put(key, apiKey('first'));
    await reveal();
    first.put(key, apiKey('second'));
    expect(await reveal()).toBe('second');
  });

  it.each([-1, 0, Number.NaN])('is nothing for %d ms', async (ttlMs) => {
    first.put(key, apiKey('first'), { ttlMs });
    await reveal();
    first.put(key, apiKey('second'), { ttlMs });
    expect(await reveal()).toBe('second');
  });

  it('is good until its time is over, however often it is used', async () => {
    first.put(key, apiKey('first'), { ttlMs: 1_000 });
    await reveal();
    first.put(key, apiKey('second'), { ttlMs: 1_000 });
    await clock.advance(600);
    expect(await reveal()).toBe('first');
    await clock.advance(399);
    expect(await reveal()).toBe('first');
    await clock.advance(1);
    expect(await reveal()).toBe('second');
    expect(first.asked).toHaveLength(2);
  });

  it('is good for a day at most, and no longer than the credential', async () => {
    first.put(key, apiKey('first'), { ttlMs: Infinity });
    await reveal();
    await clock.advance(86_399_999);
    expect(await reveal()).toBe('first');
    await clock.advance(1);
    first.put(key, apiKey('second'), { ttlMs: 60_000, expiresAt: new Date(clock.now() + 10_000) });
    expect(await reveal()).toBe('second');
    await clock.advance(10_000);
    first.put(key, apiKey('third'));
    expect(await reveal()).toBe('third');
  });

  it('comes after the storage: what is stored meanwhile counts at once', async () => {
    first.put(key, apiKey('first'), { ttlMs: 60_000 });
    await reveal();
    await vault.store(github, apiKey('ours'));
    expect(await reveal()).toBe('ours');
  });

  it('is forgotten with the cache, in whole or in part', async () => {
    const gitlab = { scope, id: 'gitlab' };
    const refill = (secret: string) => {
      for (const one of [github, gitlab]) first.put({ tenant: 'main', ...one }, apiKey(secret), { ttlMs: 60_000 });
    };
    refill('first');
    await Promise.all([reveal(), reveal(gitlab)]);
    refill('second');
    vault.clearCacheFor(github);
    expect([await reveal(), await reveal(gitlab)]).toEqual(['second', 'first']);
    vault.clearCache();
    expect(await reveal(gitlab)).toBe('second');
  });

  it('is not what was being read when the cache was cleared', async () => {
    first.put(key, apiKey('first'), { ttlMs: 60_000 });
    for (const clear of [() => vault.clearCache(), () => vault.clearCacheFor(github)]) {
      const slow = held(first);
      const reading = reveal();
      await slow.arrived;
      clear();
      slow.release();
      expect(await reading).toBe('first');
      first.before(() => undefined);
      const before = first.asked.length;
      await reveal();
      expect(first.asked).toHaveLength(before + 1);
      vault.clearCache();
    }
  });

  it('is at most 1,000 credentials: the one that was used longest ago goes', async () => {
    const place = (at: number) => ({ scope, id: `id-${at}` });
    for (let at = 0; at <= 1_000; at += 1) {
      first.put({ tenant: 'main', ...place(at) }, apiKey(`k${at}`), { ttlMs: 60_000 });
    }
    for (let at = 0; at < 1_000; at += 1) await reveal(place(at));
    await reveal(place(0));
    await reveal(place(1_000));
    const before = first.asked.length;
    await reveal(place(0));
    expect(first.asked).toHaveLength(before);
    await reveal(place(1));
    expect(first.asked).toHaveLength(before + 1);
  });

  it('works beside the cache of the storage, which holds nothing of a source', async () => {
    start({ build: (builder) => builder.cache({ ttlMs: 60_000 }) });
    first.put(key, apiKey('first'));
    await reveal();
    await reveal();
    expect(first.asked).toHaveLength(2);
    expect(vault.statistics().cache).toMatchObject({ entries: 0, hits: 0 });
  });
});

describe('the audit', () => {
  it('names the source of what was read', async () => {
    second.put(key, apiKey('of the second'));
    await vault.retrieve(github);
    await vault.retrieveMany([github]);
    await vault.asAdministrator('incident 4711').retrieve(github);
    const reads = open.audited.filter(({ action }) => action === 'read');
    expect(reads).toMatchObject([
      { outcome: 'succeeded', scope, credentialId: 'github', details: { source: 'second' } },
      { outcome: 'succeeded', details: { source: 'second' } },
      { outcome: 'succeeded', details: { source: 'second', reason: 'incident 4711' } },
    ]);
  });

  it('names the source that refused, and what it said', async () => {
    first.before(() => failing('CREDENTIAL_STORAGE_DENIED'));
    await codeOf(vault.retrieve(github));
    await vault.retrieveMany([github]);
    expect(open.audited).toMatchObject(
      Array.from({ length: 2 }, () => ({
        action: 'read',
        outcome: 'failed',
        credentialId: 'github',
        details: { source: 'first', code: 'CREDENTIAL_STORAGE_DENIED' },
      })),
    );
  });

  it('says of what none has that it is missing', async () => {
    await vault.retrieve(github);
    expect(open.audited).toMatchObject([{ action: 'read', outcome: 'missing', details: {} }]);
  });

  it('comes before the secret where it is required', async () => {
    first.put(key, apiKey('of the first'));
    const broken = openVault({
      auditMode: 'none',
      build: (builder) =>
        builder.source(first).audit({
          audit: { append: () => Promise.reject(new Error('down')), query: () => Promise.resolve([]) },
          mode: 'required',
        }),
    });
    expect(await codeOf(broken.vault.retrieve(github))).toBe('CREDENTIAL_AUDIT_UNAVAILABLE');
  });
});

describe.each([false, true])('batches, of a storage that takes many at once: %s', (hasBatches) => {
  beforeEach(() => start({ hasBatches }));
  const references = Array.from({ length: 25 }, (_, at) => ({ scope, id: `id-${at}` }));

  it('are made of the storage and the sources', async () => {
    await vault.store({ scope, id: 'id-0' }, apiKey('ours'));
    first.put({ tenant: 'main', scope, id: 'id-1' }, apiKey('of the first'));
    second.put({ tenant: 'main', scope, id: 'id-2' }, apiKey('of the second'));
    const { items } = await vault.retrieveMany(references.slice(0, 4));
    const secrets = items.map((item) => (item.ok ? item.value?.secret.reveal() : item.error.code));
    expect(secrets).toEqual(['ours', 'of the first', 'of the second', undefined]);
    const validations = await vault.validateMany(references.slice(0, 4));
    expect(validations.items.map((item) => item.ok && item.value.status)).toEqual([
      'valid',
      'valid',
      'valid',
      'not-found',
    ]);
  });

  it('fail for the credentials alone that a source fails for', async () => {
    first.put({ tenant: 'main', scope, id: 'id-1' }, apiKey('of the first'));
    first.deny({ tenant: 'main', scope, id: 'id-0' });
    for (const batch of [
      await vault.retrieveMany(references.slice(0, 2)),
      await vault.validateMany(references.slice(0, 2)),
    ]) {
      expect(batch.items).toMatchObject([
        { ok: false, error: { code: 'CREDENTIAL_STORAGE_DENIED', details: { id: 'id-0', scope, source: 'first' } } },
        { ok: true },
      ]);
    }
  });

  it('ask a source for no more at a time than the batch may', async () => {
    let asking = 0;
    let most = 0;
    first.before(async () => {
      asking += 1;
      most = Math.max(most, asking);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      asking -= 1;
    });
    await vault.retrieveMany(references);
    expect(first.asked).toHaveLength(25);
    expect(most).toBe(10);
  });
});

describe('closing', () => {
  it('closes the sources with the vault, after what is under way', async () => {
    first.put(key, apiKey('of the first'));
    const slow = held(first);
    const reading = reveal();
    await slow.arrived;
    const closing = vault.close();
    expect(first.isClosed).toBe(false);
    slow.release();
    expect(await reading).toBe('of the first');
    await closing;
    expect([first.isClosed, second.isClosed, open.storage.isClosed]).toEqual([true, true, true]);
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIALS_CLOSED');
  });
});

describe('refreshing', () => {
  it('is not for what others manage', async () => {
    let refreshes = 0;
    start({
      build: (builder) =>
        builder.refresher({
          kind: 'oauth2',
          refresh: () => {
            refreshes += 1;
            return Promise.reject(new Error('never'));
          },
        }),
    });
    first.put(key, oauth2({ accessToken: 'tok', refreshToken: 'r', expiresAt: new Date(clock.now() + 1) }));
    expect(await reveal()).toBe('tok');
    await clock.advance(1);
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIAL_EXPIRED');
    expect(refreshes).toBe(0);
  });
});
