import { CodedError, runInContext, type Clock } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import {
  apiKey,
  basic,
  type BatchResult,
  type CredentialErrorCode,
  type CredentialReference,
  type StoreEntry,
} from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { openVault, type OpenVault, type OpenVaultOptions } from './support/open-vault.ts';

const scope = 'org:acme';
const referencesOf = (count: number): readonly CredentialReference[] =>
  Array.from({ length: count }, (_, index) => ({ scope, id: `id-${index}` }));
const entriesOf = (count: number): readonly StoreEntry[] =>
  referencesOf(count).map((reference) => ({ reference, material: apiKey(`value of ${reference.id}`) }));

/** What came of each item: a value made short, or the code of its failure. */
function outcomesOf<Value>({ items }: BatchResult<Value>, short: (value: Value) => unknown): readonly unknown[] {
  return items.map((item) => (item.ok ? short(item.value) : item.error.code));
}

/** Makes each call of the storage take so long. */
function slowDown({ storage, clock }: OpenVault, ms: number): void {
  storage.before(() => new Promise((resolve) => void clock.schedule(resolve, ms)));
}

/** How long work takes on a clock that a test moves. */
async function timeOf(clock: Clock & { advance(ms: number): Promise<void> }, work: Promise<unknown>): Promise<number> {
  const startMs = clock.monotonicMs();
  const ended = { atMs: Number.NaN };
  void work.finally(() => (ended.atMs = clock.monotonicMs()));
  while (Number.isNaN(ended.atMs)) await clock.advance(10);
  return ended.atMs - startMs;
}

// One by one, on a storage that takes many at once, and that one where the audit asks for one by one again.
const ways: readonly [string, OpenVaultOptions][] = [
  ['one by one', { hasBatches: false, auditMode: 'observe' }],
  ['many at once', { hasBatches: true, auditMode: 'observe' }],
  ['many at once, with a required audit', { hasBatches: true, auditMode: 'required' }],
  ['many at once, with a cache', { hasBatches: true, auditMode: 'none', build: (builder) => builder.cache({}) }],
];

describe.each(ways)('a batch, %s', (_, options) => {
  it('stores all, and gives what is known of each in the order that was given', async () => {
    const { vault } = openVault(options);
    const entries = [...entriesOf(25)].toReversed();
    const result = await vault.storeMany(entries);
    expect([result.succeeded, result.failed]).toEqual([25, 0]);
    expect(result.items.map(({ reference }) => reference)).toEqual(entries.map(({ reference }) => reference));
    expect(result.orThrow().map(({ id, version }) => `${id} ${version}`)).toEqual(
      entries.map(({ reference }) => `${reference.id} 1`),
    );
    expect((await vault.list({ scope })).items).toHaveLength(25);
  });

  it('stores again what is there, under the next version', async () => {
    const { vault } = openVault(options);
    await vault.storeMany(entriesOf(3));
    const again = await vault.storeMany(entriesOf(5));
    expect(again.orThrow().map(({ version }) => version)).toEqual([2, 2, 2, 1, 1]);
  });

  it('retrieves all in order, with undefined for what is missing', async () => {
    const { vault } = openVault(options);
    await vault.storeMany(entriesOf(3));
    const result = await vault.retrieveMany([...referencesOf(5)].toReversed());
    expect(result.orThrow().map((one) => one?.secret.reveal())).toEqual([
      undefined,
      undefined,
      'value of id-2',
      'value of id-1',
      'value of id-0',
    ]);
  });

  it('deletes all, and says of each whether there was one', async () => {
    const { vault } = openVault(options);
    await vault.storeMany(entriesOf(3));
    expect((await vault.deleteMany(referencesOf(5))).orThrow()).toEqual([true, true, true, false, false]);
    expect((await vault.deleteMany(referencesOf(3))).orThrow()).toEqual([false, false, false]);
    expect((await vault.list({ scope })).items).toEqual([]);
  });

  it('of nothing is nothing', async () => {
    const { vault } = openVault(options);
    for (const result of [await vault.storeMany([]), await vault.retrieveMany([]), await vault.deleteMany([])]) {
      expect(result).toMatchObject({ items: [], succeeded: 0, failed: 0 });
      expect(result.orThrow()).toEqual([]);
    }
  });

  it('does what can be done: one that fails changes nothing for the others', async () => {
    const { vault, audit } = openVault(options);
    await vault.storeMany(entriesOf(1));
    const { length } = await audit();
    const wrong = [
      { reference: { scope, id: 'wrong id' }, material: apiKey('x') },
      { reference: { scope: 'wrong', id: 'x' }, material: apiKey('x') },
      { reference: { scope, id: 'empty' }, material: apiKey('') },
      { reference: { scope, id: 'tags' }, material: apiKey('x'), options: { tags: { '': 'x' } } },
      { reference: { scope, id: 'id-0' }, material: apiKey('x'), options: { mode: 'create' as const } },
      { reference: { scope, id: 'none' }, material: apiKey('x'), options: { mode: 'replace' as const } },
      { reference: { scope, id: 'good' }, material: apiKey('x'), options: { mode: 'create' as const } },
      { reference: { scope, id: 'good' }, material: apiKey('again') },
      { reference: { scope, id: 'last' }, material: basic('ada', 'x'), options: { description: 'stored' } },
    ];
    const result = await vault.storeMany(wrong);
    const ends = (await audit()).slice(length).filter(({ outcome }) => outcome !== 'intended');
    expect(outcomesOf(result, ({ id }) => id)).toEqual([
      'CREDENTIAL_ID_INVALID',
      'CREDENTIAL_SCOPE_INVALID',
      'CREDENTIAL_INVALID',
      'CREDENTIAL_INVALID',
      'CREDENTIAL_EXISTS',
      'CREDENTIAL_NOT_FOUND',
      'good',
      'CREDENTIAL_REPEATED',
      'last',
    ]);
    expect([result.succeeded, result.failed]).toEqual([2, 7]);
    expect((await vault.retrieve({ scope, id: 'good' }))?.secret.reveal()).toBe('x');
    expect(await vault.inspect({ scope, id: 'last' })).toMatchObject({ description: 'stored', kind: 'basic' });

    const failure = await failureOf(() => result.orThrow());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_BATCH_FAILED', details: { succeeded: 2, failed: 7 } });
    expect(failure.details['errors']).toMatchObject([
      { code: 'CREDENTIAL_ID_INVALID' },
      { code: 'CREDENTIAL_SCOPE_INVALID' },
      { code: 'CREDENTIAL_INVALID' },
      { code: 'CREDENTIAL_INVALID' },
      { id: 'id-0', scope, code: 'CREDENTIAL_EXISTS' },
      { id: 'none', scope, code: 'CREDENTIAL_NOT_FOUND' },
      { id: 'good', scope, code: 'CREDENTIAL_REPEATED' },
    ]);
    expect(JSON.stringify(failure)).not.toContain('wrong id');

    expect(
      ends.map((one) => `${one.credentialId} ${one.outcome} ${JSON.stringify(one.details['code'] ?? '')}`).toSorted(),
    ).toEqual(
      options.auditMode === 'none'
        ? []
        : [
            'good succeeded ""',
            'id-0 failed "CREDENTIAL_EXISTS"',
            'last succeeded ""',
            'none missing "CREDENTIAL_NOT_FOUND"',
          ],
    );
  });

  it('replaces only what is at the version that is expected', async () => {
    const { vault } = openVault(options);
    await vault.storeMany(entriesOf(2));
    await vault.storeMany(entriesOf(1));
    const result = await vault.storeMany(
      entriesOf(2).map((entry) => ({ ...entry, options: { mode: 'replace', expectedVersion: 1 } })),
    );
    expect(outcomesOf(result, ({ version }) => version)).toEqual(['CREDENTIAL_VERSION_CONFLICT', 2]);
    expect(result.items[0]).toMatchObject({ error: { details: { id: 'id-0', expected: 1, actual: 2 } } });
  });

  it('takes each credential once: what names it again, however, is left out', async () => {
    const { vault, storage } = openVault({
      ...options,
      build: (builder) => (options.build?.(builder) ?? builder).defaultScope(scope),
    });
    await vault.store({ id: 'a' }, apiKey('x'));
    storage.reset();
    const { items } = await vault.retrieveMany([{ id: 'a' }, { scope, id: 'a' }, { scope: 'org:other', id: 'a' }]);
    expect(items.map((item) => (item.ok ? item.value?.id : item.error.code))).toEqual([
      'a',
      'CREDENTIAL_REPEATED',
      undefined,
    ]);
    expect(outcomesOf(await vault.deleteMany([{ id: 'a' }, { id: 'a' }]), String)).toEqual([
      'true',
      'CREDENTIAL_REPEATED',
    ]);
  });

  it('is seen from the view that it is asked of', async () => {
    const { vault, log } = openVault(options);
    await vault.storeMany([
      { reference: { scope: 'org:acme', id: 'above' }, material: apiKey('x') },
      { reference: { scope: 'org:acme/team:eng', id: 'own' }, material: apiKey('x') },
      { reference: { scope: 'org:acme/team:eng/service:api', id: 'below' }, material: apiKey('x') },
    ]);
    const view = vault.within('org:acme/team:eng');
    const all = [
      { scope: 'org:acme', id: 'above' },
      { id: 'own' },
      { scope: 'org:acme/team:eng/service:api', id: 'below' },
    ];
    expect((await view.retrieveMany(all)).orThrow().map((one) => one?.id)).toEqual([undefined, 'own', 'below']);
    expect((await view.validateMany(all)).orThrow().map(({ status }) => status)).toEqual([
      'not-found',
      'valid',
      'valid',
    ]);
    const stored = await view.storeMany(all.map((reference) => ({ reference, material: apiKey('new') })));
    expect(outcomesOf(stored, ({ version }) => version)).toEqual(['CREDENTIAL_SCOPE_VIOLATION', 2, 2]);
    expect((await view.deleteMany(all)).orThrow()).toEqual([false, true, true]);
    expect(log.filter(({ fields }) => fields['securityEvent'] === 'credential.scope-violation')).toHaveLength(4);
    expect(await vault.retrieve({ scope: 'org:acme', id: 'above' })).toBeDefined();
  });

  it('holds 10,000 at most', async () => {
    const { vault, storage } = openVault(options);
    const most = await vault.retrieveMany(referencesOf(10_000));
    expect([most.succeeded, most.items.length]).toEqual([10_000, 10_000]);
    storage.reset();
    expect((await failureOf(vault.retrieveMany(referencesOf(10_001)))).code).toBe('CREDENTIAL_INVALID');
    expect(storage.calls).toEqual([]);
  });

  it('begins and ends with a line that counts', async () => {
    const { vault, log } = openVault(options);
    await vault.storeMany([...entriesOf(2), { reference: { scope, id: '' }, material: apiKey('x') }]);
    const lines = log.filter(({ level, fields }) => level === 'info' && 'operation' in fields);
    expect(lines).toEqual([
      { level: 'info', fields: { operation: 'store', count: 3 }, message: 'batch of credentials begins' },
      {
        level: 'info',
        fields: { operation: 'store', count: 3, succeeded: 2, failed: 1 },
        message: 'batch of credentials ended',
      },
    ]);
    expect(
      log.filter(({ message }) => message === 'credential stored').map(({ fields }) => fields['credentialId']),
    ).toEqual(['id-0', 'id-1']);
  });
});

describe('a batch on a storage that takes one at a time', () => {
  it('has as many in flight as it may, and never more', async () => {
    for (const concurrency of [1, 4, 10]) {
      const open = openVault({ auditMode: 'none', build: (builder) => builder.batchConcurrency(concurrency) });
      slowDown(open, 20);
      await timeOf(open.clock, open.vault.storeMany(entriesOf(30)));
      expect(open.storage.mostInFlight).toBe(concurrency);
    }
  });

  it.each([
    ['store', 2],
    ['retrieve', 1],
    ['delete', 1],
    ['validate', 1],
  ] as const)('of 20 takes less than half of the time of one after the other: %s', async (operation, calls) => {
    const open = openVault({ auditMode: 'none' });
    const { vault, clock } = open;
    const one = async (reference: CredentialReference): Promise<unknown> =>
      operation === 'store' ? vault.store(reference, apiKey('x')) : vault[operation](reference);
    slowDown(open, 20);
    const inTurn = async (): Promise<void> => {
      for (const reference of referencesOf(20)) await one(reference);
    };
    const sequentialMs = await timeOf(clock, inTurn());
    expect(sequentialMs).toBe(20 * 20 * calls);
    const together =
      operation === 'store' ? vault.storeMany(entriesOf(20)) : vault[`${operation}Many`](referencesOf(20));
    const batchMs = await timeOf(clock, together);
    expect(batchMs).toBeLessThan(sequentialMs / 2);
    expect(batchMs).toBe(2 * 20 * calls);
  });
});

describe('a batch on a storage that takes many', () => {
  it('of 250 takes three readings and three writings, of 100 at most', async () => {
    const { vault, storage } = openVault({ hasBatches: true, auditMode: 'observe' });
    await vault.storeMany(entriesOf(250));
    expect(storage.calls.toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => 'getMany'),
      ...Array.from({ length: 3 }, () => 'putMany'),
    ]);
    storage.reset();
    await vault.retrieveMany(referencesOf(250));
    await vault.deleteMany(referencesOf(250));
    expect(storage.calls).toEqual([
      ...Array.from({ length: 3 }, () => 'getMany'),
      ...Array.from({ length: 3 }, () => 'deleteMany'),
    ]);
  });

  it('is done one by one where each change has to be recorded before', async () => {
    const { vault, storage, audited } = openVault({ hasBatches: true, auditMode: 'required' });
    await vault.storeMany(entriesOf(3));
    await vault.deleteMany(referencesOf(3));
    expect(storage.calls.filter((call) => call.endsWith('Many'))).toEqual([]);
    expect(audited.filter(({ outcome }) => outcome === 'intended')).toHaveLength(6);
    await vault.retrieveMany(referencesOf(3));
    expect(storage.calls.filter((call) => call.endsWith('Many'))).toEqual(['getMany']);
  });

  it('tries alone what somebody else was faster with', async () => {
    const { vault, storage } = openVault({ hasBatches: true, auditMode: 'observe' });
    await vault.storeMany(entriesOf(3));
    storage.reset();
    storage.before(async (operation) => {
      if (operation !== 'putMany') return;
      storage.before(() => undefined);
      await vault.store({ scope, id: 'id-1' }, apiKey('faster'));
    });
    const result = await vault.storeMany(entriesOf(3));
    expect(outcomesOf(result, ({ version }) => version)).toEqual([2, 3, 2]);
    expect((await vault.retrieve({ scope, id: 'id-1' }))?.secret.reveal()).toBe('value of id-1');
  });

  it('says of each that the storage failed, by its name, and records it', async () => {
    const { vault, storage, audited } = openVault({ hasBatches: true, auditMode: 'observe' });
    storage.before((operation) => {
      if (operation === 'putMany') throw new CodedError<CredentialErrorCode>('CREDENTIAL_OUTCOME_UNKNOWN', 'lost');
      if (operation === 'deleteMany') throw new CodedError<CredentialErrorCode>('CREDENTIAL_STORAGE_DENIED', 'no');
    });
    const stored = await vault.storeMany([...entriesOf(2), { reference: { scope, id: 'bad' }, material: apiKey('') }]);
    expect(stored.items).toMatchObject([
      { ok: false, error: { code: 'CREDENTIAL_OUTCOME_UNKNOWN', details: { id: 'id-0', scope } } },
      { ok: false, error: { code: 'CREDENTIAL_OUTCOME_UNKNOWN', details: { id: 'id-1', scope } } },
      { ok: false, error: { code: 'CREDENTIAL_INVALID' } },
    ]);
    const deleted = await vault.deleteMany(referencesOf(2));
    expect(deleted.items).toMatchObject([
      { ok: false, error: { code: 'CREDENTIAL_STORAGE_DENIED', details: { id: 'id-0', scope } } },
      { ok: false, error: { code: 'CREDENTIAL_STORAGE_DENIED', details: { id: 'id-1', scope } } },
    ]);
    await vault.close();
    expect(audited.map(({ action, outcome, credentialId }) => `${action} ${outcome} ${credentialId}`)).toEqual([
      'replace unknown id-0',
      'replace unknown id-1',
      'delete failed id-0',
      'delete failed id-1',
    ]);
  });

  it('reads each alone when one of a hundred makes no sense, and only that one fails', async () => {
    const { vault, storage } = openVault({ hasBatches: true, auditMode: 'observe' });
    await vault.storeMany(entriesOf(3));
    const corrupt = () => new CodedError<CredentialErrorCode>('CREDENTIAL_STORAGE_CORRUPT', 'a row makes no sense');
    let gets = 0;
    storage.before((operation) => {
      if (operation === 'getMany') throw corrupt();
      if (operation === 'get' && (gets += 1) % 3 === 2) throw corrupt();
    });
    const read = await vault.retrieveMany(referencesOf(3));
    expect(outcomesOf(read, (one) => one?.id)).toEqual(['id-0', 'CREDENTIAL_STORAGE_CORRUPT', 'id-2']);
    gets = 0;
    const stored = await vault.storeMany(entriesOf(3));
    expect(outcomesOf(stored, ({ version }) => version)).toEqual([2, 'CREDENTIAL_STORAGE_CORRUPT', 2]);
  });

  it('reads only what the cache does not have, and keeps that', async () => {
    const { vault, storage } = openVault({
      hasBatches: true,
      auditMode: 'none',
      build: (builder) => builder.cache({}),
    });
    await vault.storeMany(entriesOf(4));
    await vault.retrieve({ scope, id: 'id-1' });
    storage.reset();
    await vault.retrieveMany(referencesOf(3));
    expect(storage.calls).toEqual(['getMany']);
    expect(vault.statistics().cache).toMatchObject({ entries: 3, hits: 1 });
    await vault.retrieveMany(referencesOf(3));
    await vault.validateMany(referencesOf(3));
    expect(storage.calls).toEqual(['getMany']);
    await vault.storeMany(entriesOf(1));
    await vault.retrieveMany(referencesOf(3));
    expect(storage.calls).toEqual(['getMany', 'getMany', 'putMany', 'getMany']);
  });

  it('keeps nothing in the cache that a write has overtaken', async () => {
    const open = openVault({ hasBatches: true, auditMode: 'none', build: (builder) => builder.cache({}) });
    const { vault, storage, clock } = open;
    await vault.store({ scope, id: 'id-0' }, apiKey('old'));
    storage.after((operation) =>
      operation === 'getMany' ? new Promise((resolve) => void clock.schedule(resolve, 100)) : undefined,
    );
    const reading = vault.retrieveMany(referencesOf(1));
    await clock.advance(50);
    await vault.store({ scope, id: 'id-0' }, apiKey('new'));
    await clock.advance(50);
    expect((await reading).orThrow()[0]?.secret.reveal()).toBe('old');
    expect((await vault.retrieve({ scope, id: 'id-0' }))?.secret.reveal()).toBe('new');
  });
});

describe('a caller who gives up in the middle of a batch', () => {
  it('finds what was not begun as aborted, and the rest as it came out', async () => {
    for (const operation of ['store', 'delete'] as const) {
      const open = openVault({ auditMode: 'none', build: (builder) => builder.batchConcurrency(2) });
      const { vault, storage, clock } = open;
      slowDown(open, 100);
      const controller = new AbortController();
      const batch = runInContext({ tenant: 'main', signal: controller.signal }, () =>
        operation === 'store' ? vault.storeMany(entriesOf(6)) : vault.deleteMany(referencesOf(6)),
      );
      await clock.advance(operation === 'store' ? 150 : 50);
      controller.abort();
      await clock.advance(1_000);
      const { items, succeeded, failed } = await batch;
      expect([succeeded, failed]).toEqual([2, 4]);
      expect(items.slice(2)).toMatchObject(
        referencesOf(6)
          .slice(2)
          .map(({ id }) => ({ ok: false, error: { code: 'CREDENTIAL_ABORTED', details: { id, scope } } })),
      );
      storage.reset();
      expect((await vault.list({ scope })).items).toHaveLength(operation === 'store' ? 2 : 0);
    }
  });

  it('before it begins finds all of it aborted, and nothing was asked of the storage', async () => {
    for (const [, options] of ways) {
      const { vault, storage } = openVault(options);
      const signal = AbortSignal.abort();
      const result = await runInContext({ tenant: 'main', signal }, () => vault.retrieveMany(referencesOf(300)));
      expect(result.failed).toBe(300);
      expect(new Set(outcomesOf(result, String))).toEqual(new Set(['CREDENTIAL_ABORTED']));
      expect(storage.calls).toEqual([]);
    }
  });
});
