import { CodedError, deadlineAfter, runAs, runInContext } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import {
  apiKey,
  withCredential,
  type CredentialErrorCode,
  type CredentialView,
  type RetryOptions,
} from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';
import type { StorageOperation } from './support/spied-storage.ts';

const reference = { scope: 'org:acme', id: 'key' };
const material = apiKey('x');

/** A failure as a driver raises it. */
const driverFailure = (code: CredentialErrorCode, retryAfterMs?: number) =>
  new CodedError(code, 'from the driver', {
    retryable: true,
    details: { host: 'db-1' },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

/** Makes the first calls of one operation fail. */
function failFirst(open: OpenVault, operation: StorageOperation, times: number, failure: () => Error): void {
  let left = times;
  open.storage.before((called) => {
    if (called !== operation || left === 0) return;
    left -= 1;
    throw failure();
  });
}

const reads: readonly [string, StorageOperation, (view: CredentialView) => Promise<unknown>][] = [
  ['retrieve', 'get', (view) => view.retrieve(reference)],
  ['inspect', 'get', (view) => view.inspect(reference)],
  ['validate', 'get', (view) => view.validate(reference)],
  ['list', 'list', (view) => view.list({ scope: 'org:acme' })],
];
const writes: readonly [string, StorageOperation, (view: CredentialView) => Promise<unknown>][] = [
  ['store', 'put', (view) => view.store(reference, material)],
  ['create', 'put', (view) => view.store(reference, material, { mode: 'create' })],
  ['delete', 'delete', (view) => view.delete(reference)],
];

describe('a storage that hangs', () => {
  it.each(reads)('is reported within 5 seconds: %s, which can be tried again', async (name, operation, work) => {
    const { vault, storage, clock, log } = openVault();
    storage.before((called) => (called === operation ? new Promise(() => undefined) : undefined));
    const failed = failureOf(work(vault));
    await clock.advance(5_000);
    const failure = await failed;
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_TIMEOUT', retryable: true });
    expect(failure.details).toEqual({ ...(name === 'list' ? {} : reference), timeoutMs: 5_000 });
    expect(log).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'the storage of credentials failed' }),
    );
    expect(clock.pending()).toBe(0);
  });

  it.each(writes)('is reported within 5 seconds: %s, of which nobody knows the outcome', async (_, operation, work) => {
    const { vault, storage, clock, audit } = openVault();
    storage.before((called) => (called === operation ? new Promise(() => undefined) : undefined));
    const failed = failureOf(work(vault));
    await clock.advance(5_000);
    expect(await failed).toMatchObject({
      code: 'CREDENTIAL_OUTCOME_UNKNOWN',
      retryable: false,
      details: reference,
    });
    expect((await audit()).at(-1)).toMatchObject({ outcome: 'unknown' });
    expect(clock.pending()).toBe(0);
  });

  it('is told by its signal that nobody waits any longer', async () => {
    const { vault, storage, clock } = openVault();
    const signals: AbortSignal[] = [];
    storage.before((_, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    const failed = codeOf(vault.retrieve(reference));
    await clock.advance(4_999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await clock.advance(1);
    expect([await failed, signals.map(({ aborted }) => aborted)]).toEqual(['CREDENTIAL_STORAGE_TIMEOUT', [true]]);
  });

  it('that answers after its time changes nothing of the answer, and nothing is left unhandled', async () => {
    const { vault, storage, clock } = openVault();
    let fail: (error: Error) => void = () => undefined;
    storage.before(() => new Promise<void>((_, reject) => (fail = reject)));
    const failed = codeOf(vault.retrieve(reference));
    await clock.advance(5_000);
    expect(await failed).toBe('CREDENTIAL_STORAGE_TIMEOUT');
    fail(new Error('late'));
    await clock.advance(0);
  });

  it('in a batch does not hold up what else there is', async () => {
    const { vault, storage, clock } = openVault();
    await vault.store(reference, material);
    let count = 0;
    storage.before(() => ((count += 1) === 1 ? new Promise(() => undefined) : undefined));
    const batch = vault.retrieveMany([{ ...reference, id: 'hangs' }, reference]);
    await clock.advance(5_000);
    const { items } = await batch;
    expect(items.map((item) => (item.ok ? item.value?.id : item.error.code))).toEqual([
      'CREDENTIAL_STORAGE_TIMEOUT',
      'key',
    ]);
  });
});

describe('a storage that is away for a moment', () => {
  it.each([...reads, ...writes])('is asked again: %s', async (_, operation, work) => {
    const open = openVault();
    failFirst(open, operation, 2, () => driverFailure('CREDENTIAL_STORAGE_UNAVAILABLE'));
    const done = codeOf(work(open.vault));
    await open.clock.advance(1_000);
    expect(await done).toBe('none');
    expect(open.storage.calls.filter((call) => call === operation)).toHaveLength(3);
  });

  it('is asked three times in all, and then it is the caller who may try again', async () => {
    const open = openVault();
    failFirst(open, 'get', 99, () => driverFailure('CREDENTIAL_STORAGE_UNAVAILABLE'));
    const failed = failureOf(open.vault.retrieve(reference));
    await open.clock.advance(5_000);
    expect(await failed).toMatchObject({
      code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
      retryable: true,
      details: { ...reference, host: 'db-1' },
    });
    expect(open.storage.calls).toEqual(['get', 'get', 'get']);
    expect(open.log.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it.each<[string, CredentialErrorCode]>([
    ['it said no', 'CREDENTIAL_STORAGE_DENIED'],
    ['what is there makes no sense', 'CREDENTIAL_STORAGE_CORRUPT'],
    ['it may have written', 'CREDENTIAL_OUTCOME_UNKNOWN'],
    ['it is too large', 'CREDENTIAL_TOO_LARGE'],
    ['it timed out by itself', 'CREDENTIAL_STORAGE_TIMEOUT'],
    ['it failed for an unknown reason', 'CREDENTIAL_STORAGE_FAILED'],
  ])('is not asked again when %s', async (_, code) => {
    const open = openVault({ auditMode: 'none' });
    open.storage.before(() => {
      throw driverFailure(code);
    });
    for (const [name, , work] of [...reads, ...writes]) {
      open.storage.reset();
      open.storage.before(() => {
        throw driverFailure(code);
      });
      expect([name, await codeOf(work(open.vault))]).toEqual([name, code]);
      expect(open.storage.calls).toHaveLength(1);
    }
  });

  it.each<[string, unknown]>([
    ['an error', new Error('connection reset')],
    ['one with a code of its own', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    ['a coded error of another package', new CodedError('DATABASE_UNAVAILABLE', 'x', { retryable: true })],
    ['text', 'broken'],
    ['nothing', undefined],
  ])('and throws %s fails once, and keeps it as the cause', async (_, thrown) => {
    const open = openVault();
    open.storage.before(() => {
      // oxlint-disable-next-line typescript/only-throw-error -- a driver may throw anything
      throw thrown;
    });
    const failure = await failureOf(open.vault.retrieve(reference));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_FAILED', retryable: false, details: reference });
    expect(failure.cause).toBeInstanceOf(Error);
    expect(failure.cause === thrown).toBe(thrown instanceof Error);
    expect(open.storage.calls).toEqual(['get']);
  });

  it('and throws before it gives a promise is one that failed', async () => {
    const { vault, storage } = openVault();
    Object.assign(storage, {
      get: () => {
        throw new Error('not async');
      },
    });
    expect(await codeOf(vault.retrieve(reference))).toBe('CREDENTIAL_STORAGE_FAILED');
  });
});

describe('the wait before another try', () => {
  /** When the storage was asked, in milliseconds from the start. */
  async function triesOf(retry: RetryOptions, retryAfterMs?: number, timeoutMs = 60_000): Promise<readonly number[]> {
    const open = openVault({ build: (builder) => builder.retry(retry).operationTimeout(timeoutMs) });
    const times: number[] = [];
    open.storage.before(() => {
      times.push(open.clock.monotonicMs());
      throw driverFailure('CREDENTIAL_STORAGE_UNAVAILABLE', retryAfterMs);
    });
    const failed = codeOf(open.vault.retrieve(reference));
    await open.clock.advance(120_000);
    expect(await failed).toBe('CREDENTIAL_STORAGE_UNAVAILABLE');
    return times.map((time) => time - (times[0] ?? 0));
  }

  const gaps = (times: readonly number[]): readonly number[] =>
    times.slice(1).map((time, index) => time - (times[index] as number));

  it('doubles, and up to half of it is random', async () => {
    const found = gaps(await triesOf({ attempts: 6, baseDelayMs: 100, maxDelayMs: 30_000 }));
    for (const [index, most] of [100, 200, 400, 800, 1_600].entries()) {
      expect(found[index]).toBeGreaterThanOrEqual(most / 2);
      expect(found[index]).toBeLessThanOrEqual(most);
    }
    expect(found).toHaveLength(5);
  });

  it('never exceeds the longest that is allowed', async () => {
    const found = gaps(await triesOf({ attempts: 10, baseDelayMs: 100, maxDelayMs: 150 }));
    expect(found).toHaveLength(9);
    expect(Math.max(...found)).toBeLessThanOrEqual(150);
  });

  it('is not made when only one try is allowed', async () => {
    expect(await triesOf({ attempts: 1 })).toEqual([0]);
  });

  it('is 50 ms and doubles when nothing else is said', async () => {
    const [first, second] = gaps(await triesOf({}));
    expect(first).toBeGreaterThanOrEqual(25);
    expect(first).toBeLessThanOrEqual(50);
    expect(second).toBeGreaterThanOrEqual(50);
    expect(second).toBeLessThanOrEqual(100);
  });

  it('is as long as the storage asks for', async () => {
    const found = gaps(await triesOf({ attempts: 3, maxDelayMs: 100 }, 700));
    expect(found).toEqual([700, 700]);
  });

  it('is part of the one deadline: tries end with it, with the last failure', async () => {
    const times = await triesOf({ attempts: 10, baseDelayMs: 1_000, maxDelayMs: 1_000 }, undefined, 2_000);
    expect(times.length).toBeGreaterThan(1);
    expect(times.length).toBeLessThanOrEqual(4);
    expect(times.at(-1)).toBeLessThan(2_000);
    expect(await triesOf({ attempts: 10 }, 2_500, 2_000)).toEqual([0]);
  });
});

describe('a caller who gives up', () => {
  const as = <T>(signal: AbortSignal, work: () => T): T => runInContext({ tenant: 'main', signal }, work);

  it('before anything was begun reaches nothing', async () => {
    const { vault, storage } = openVault();
    const controller = new AbortController();
    controller.abort(new Error('the client left'));
    for (const [, , work] of [...reads, ...writes]) {
      const failure = await as(controller.signal, () => failureOf(work(vault)));
      expect(failure.code).toBe('CREDENTIAL_ABORTED');
    }
    expect(storage.calls).toEqual([]);
  });

  it.each(reads)('while it is read is let go at once: %s', async (_, operation, work) => {
    const { vault, storage, clock, log } = openVault();
    storage.before(() => new Promise(() => undefined));
    const controller = new AbortController();
    const failed = as(controller.signal, () => failureOf(work(vault)));
    await clock.advance(100);
    controller.abort();
    expect(await failed).toMatchObject({ code: 'CREDENTIAL_ABORTED', retryable: false });
    expect(storage.calls).toEqual([operation]);
    expect(log.filter(({ level }) => level === 'error')).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it.each(writes)('while it is written learns the outcome all the same: %s', async (_, operation, work) => {
    const { vault, storage, clock } = openVault();
    let finish: () => void = () => undefined;
    storage.before((called) => (called === operation ? new Promise<void>((resolve) => (finish = resolve)) : undefined));
    const controller = new AbortController();
    const done = as(controller.signal, () => codeOf(work(vault)));
    await clock.advance(100);
    controller.abort();
    await clock.advance(100);
    finish();
    expect(await done).toBe('none');
  });

  it('by the deadline of the work is let go as well', async () => {
    const { vault, storage, clock } = openVault();
    storage.before(() => new Promise(() => undefined));
    const deadline = deadlineAfter(300, { clock });
    const failed = runInContext({ tenant: 'main', deadline }, () => failureOf(vault.retrieve(reference)));
    await clock.advance(300);
    expect((await failed).code).toBe('CREDENTIAL_ABORTED');
    const { signal } = new AbortController();
    const both = runInContext({ tenant: 'main', deadline, signal }, () => codeOf(vault.retrieve(reference)));
    expect(await both).toBe('CREDENTIAL_ABORTED');
  });

  it('does not take others along who wait for the same reading of the cache', async () => {
    for (const hasBatches of [false, true]) {
      const { vault, storage, clock } = openVault({ hasBatches, build: (builder) => builder.cache({}) });
      await vault.store(reference, material);
      storage.before(() => new Promise((resolve) => void clock.schedule(resolve, 1_000)));
      const controller = new AbortController();
      const first = as(controller.signal, async () => (await vault.retrieveMany([reference])).items[0]);
      const second = vault.retrieve(reference);
      await clock.advance(500);
      controller.abort();
      await clock.advance(2_000);
      expect(await first).toMatchObject({ ok: false, error: { code: 'CREDENTIAL_ABORTED', details: reference } });
      expect((await second)?.secret.reveal()).toBe('x');
    }
  });
});

describe('a write that failed', () => {
  const changes = {
    store: (view: CredentialView) => view.store(reference, apiKey('new')),
    rotate: (view: CredentialView) => view.rotate(reference, apiKey('new')),
    delete: (view: CredentialView) => view.delete(reference),
    storeMany: async (view: CredentialView) =>
      (await view.storeMany([{ reference, material: apiKey('new') }])).orThrow(),
    deleteMany: async (view: CredentialView) => (await view.deleteMany([reference])).orThrow(),
  };

  it('is forgotten by the cache, whatever came of it', async () => {
    for (const hasBatches of [false, true]) {
      for (const change of ['store', 'rotate', 'delete', 'storeMany', 'deleteMany'] as const) {
        const { vault, storage } = openVault({ hasBatches, auditMode: 'none', build: (builder) => builder.cache({}) });
        await vault.store(reference, apiKey('old'));
        await vault.retrieve(reference);
        // The change is made, and its answer is lost.
        storage.after((operation) => {
          if (operation.startsWith('put') || operation.startsWith('delete')) {
            throw driverFailure('CREDENTIAL_OUTCOME_UNKNOWN');
          }
        });
        const failed = await codeOf(changes[change](vault));
        expect(failed).toBe(change.endsWith('Many') ? 'CREDENTIAL_BATCH_FAILED' : 'CREDENTIAL_OUTCOME_UNKNOWN');
        storage.reset();
        expect((await vault.retrieve(reference))?.secret.reveal()).toBe(
          change.startsWith('delete') ? undefined : 'new',
        );
      }
    }
  });
});

describe('withCredential', () => {
  const key = { tenant: 'main', ...reference };

  it('fills in the credential, and keeps code, message, cause and advice', () => {
    const cause = new Error('beneath');
    const error = new CodedError<CredentialErrorCode>('CREDENTIAL_STORAGE_UNAVAILABLE', 'the storage is away', {
      cause,
      retryable: true,
      retryAfterMs: 500,
      details: { host: 'db-1' },
    });
    const named = withCredential(error, key);
    expect(named).toMatchObject({
      code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
      message: 'the storage is away',
      retryable: true,
      retryAfterMs: 500,
      details: { host: 'db-1', ...reference },
    });
    expect(named.cause).toBe(cause);
    expect(named.details).not.toHaveProperty('tenant');
    expect(error.details).toEqual({ host: 'db-1' });
  });

  it('gives back as it is what names a credential, what is about none, and what has no code', () => {
    const named = new CodedError<CredentialErrorCode>('CREDENTIAL_NOT_FOUND', 'x', { details: { id: 'other' } });
    const plain = new CodedError<CredentialErrorCode>('CREDENTIAL_ABORTED', 'x');
    const foreign = new TypeError('x') as never;
    expect(withCredential(named, key)).toBe(named);
    expect(withCredential(plain, undefined)).toBe(plain);
    expect(withCredential(foreign, key)).toBe(foreign);
  });
});

describe('closing', () => {
  it('refuses all further work', async () => {
    const { vault, storage } = openVault();
    const view = vault.within('org:acme');
    await vault.close();
    storage.reset();
    for (const [, , work] of [...reads, ...writes]) {
      expect([await codeOf(work(vault)), await codeOf(work(view))]).toEqual([
        'CREDENTIALS_CLOSED',
        'CREDENTIALS_CLOSED',
      ]);
    }
    expect(await codeOf(vault.retrieveMany([reference]))).toBe('CREDENTIALS_CLOSED');
    expect(await codeOf(vault.listAll({ scope: 'org:acme' })[Symbol.asyncIterator]().next())).toBe(
      'CREDENTIALS_CLOSED',
    );
    expect(await codeOf(vault.asAdministrator('late').list())).toBe('CREDENTIALS_CLOSED');
    expect(storage.calls).toEqual([]);
  });

  it('waits for what is under way, and lets go of the storage once', async () => {
    const { vault, storage, clock, audited } = openVault();
    storage.before(() => new Promise((resolve) => void clock.schedule(resolve, 100)));
    const storing = vault.store(reference, material);
    await clock.advance(50);
    let closed = false;
    const closing = Promise.all([vault.close(), vault.close()]).then(() => (closed = true));
    await clock.advance(100);
    expect([closed, storage.isClosed]).toEqual([false, false]);
    await clock.advance(50);
    expect((await storing).version).toBe(1);
    await closing;
    expect(storage.isClosed).toBe(true);
    expect(audited.at(-1)).toMatchObject({ outcome: 'succeeded', version: 1 });
    await vault.close();
  });

  it('in the middle of a batch ends it, and says of the rest that it was closed', async () => {
    const { vault, storage, clock } = openVault({ build: (builder) => builder.batchConcurrency(1) });
    storage.before(() => new Promise((resolve) => void clock.schedule(resolve, 100)));
    const batch = vault.retrieveMany(['a', 'b', 'c'].map((id) => ({ ...reference, id })));
    await clock.advance(150);
    const closing = vault.close();
    await clock.advance(500);
    const { items } = await batch;
    expect(items.map((item) => (item.ok ? 'ok' : item.error.code))).toEqual(['ok', 'ok', 'CREDENTIALS_CLOSED']);
    await closing;
    expect(storage.isClosed).toBe(true);
  });

  it('waits for a storage that hangs no longer than that may take', async () => {
    const { vault, storage, clock } = openVault();
    storage.before(() => new Promise(() => undefined));
    const failed = codeOf(vault.retrieve(reference));
    const closing = vault.close();
    await clock.advance(5_000);
    await closing;
    expect(await failed).toBe('CREDENTIAL_STORAGE_TIMEOUT');
  });
});

describe('a tenant of the context', () => {
  it('is the same after a wait for the storage', async () => {
    const { vault, storage } = openVault({ tenant: 'none' });
    storage.before(() => new Promise((resolve) => setImmediate(resolve)));
    await Promise.all(
      ['one', 'two', 'three'].map((tenant) =>
        runAs({ tenant }, async () => {
          await vault.store(reference, apiKey(tenant));
          expect((await vault.retrieve(reference))?.secret.reveal()).toBe(tenant);
        }),
      ),
    );
  });
});
