import { runInContext } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { openLogin } from '../support/open-login.ts';
import { createTestVault } from '../support/test-vault.ts';
import { tracked } from '../support/tracked.ts';

const slot = { credentials: { login: { kind: 'basic', id: 'the-login' } } };

describe('the slots of a resource', () => {
  it('are filled before anything of it is made', async () => {
    const order: string[] = [];
    const vault = createTestVault();
    vault.put(undefined, 'the-login', 'x');
    vault.before = () => void order.push('read');
    const base = tracked('base', { before: () => void order.push('base') });
    const top = tracked('top', {
      ...slot,
      dependencies: { base: base.token },
      before: ({ credentials }) => void order.push(`top with ${credentials['login']?.secret.reveal()}`),
    });
    const { resources } = openResources({ define: [base.token, top.token], vault });
    await resources.use(top.token, () => undefined);
    expect(order).toEqual(['read', 'base', 'top with x']);
    await resources.close();
  });

  it('that cannot be filled are named with their credential, and nothing is made', async () => {
    const base = tracked('base');
    const top = tracked('top', { ...slot, dependencies: { base: base.token } });
    const { resources, events } = openResources({ define: [base.token, top.token], vault: createTestVault() });
    const failure = await inTenant('acme', () => failureOf(resources.acquire(top.token)));
    const missing = {
      code: 'RESOURCE_CREDENTIAL_MISSING',
      retryable: false,
      retryAfterMs: undefined,
      details: { resource: 'top', slot: 'login', credentialId: 'the-login' },
    };
    expect(failure).toMatchObject(missing);
    // Also while its pool holds back after that, and whoever asks for it ahead of need.
    expect(await inTenant('acme', () => failureOf(resources.acquire(top.token)))).toMatchObject(missing);
    expect([...base.made, ...top.made]).toEqual([]);
    expect(await inTenant('acme', () => failureOf(resources.start()))).toMatchObject(missing);
    expect(events.flatMap((event) => (event.type === 'acquire-failed' ? [event.code] : []))).toEqual([
      'RESOURCE_CREDENTIAL_MISSING',
      'RESOURCE_CREDENTIAL_MISSING',
    ]);
    expect(top.made).toEqual([]);
    await resources.close();
  });

  it('cannot be filled without a vault', async () => {
    const { token, made } = tracked('thing', slot);
    await using resources = createResources({ define: [token] });
    expect(await failureOf(resources.acquire(token))).toMatchObject({
      code: 'RESOURCE_CREDENTIAL_MISSING',
      message: expect.stringContaining('no vault was given'),
    });
    expect(made).toEqual([]);
  });

  it.each([
    ['basic', 'api-key', ['basic']],
    [['basic', 'token'], 'api-key', ['basic', 'token']],
    [{ definition: { name: 'basic', value: () => ({}) } }, 'api-key', ['basic']],
  ] as const)('take the kind that they are for (%o)', async (kind, stored, expected) => {
    const { token } = tracked('thing', { credentials: { login: { kind, id: 'the-login' } } });
    const vault = createTestVault();
    const { resources } = openResources({ define: [token], vault });
    vault.put(undefined, 'the-login', 'canary', { kind: stored });
    expect(await failureOf(resources.acquire(token))).toMatchObject({
      code: 'RESOURCE_CREDENTIAL_MISMATCH',
      details: { slot: 'login', credentialId: 'the-login', expected, found: 'api-key' },
    });
    await resources.close();
    vault.put(undefined, 'the-login', 'canary');
    await using again = createResources({ define: [token], vault });
    await again.use(token, () => undefined);
  });

  it("take the tenant's own credential, whoever else has one of the same id", async () => {
    const { resources, token, vault, made } = openLogin();
    vault.put('a', 'the-login', 'of a');
    vault.put('b', 'the-login', 'of b');
    vault.put(undefined, 'the-login', 'of nobody');
    await inTenant('a', () => resources.use(token, () => undefined));
    await inTenant('b', () => resources.use(token, () => undefined));
    await resources.use(token, () => undefined);
    expect(made.map(({ tenant, password }) => [tenant, password])).toEqual([
      ['a', 'of a'],
      ['b', 'of b'],
      [undefined, 'of nobody'],
    ]);
    expect(await inTenant('c', () => failureOf(resources.acquire(token)))).toMatchObject({
      code: 'RESOURCE_CREDENTIAL_MISSING',
    });
    await resources.close();
  });

  it('of what belongs to no tenant never take the credential of the one who comes first', async () => {
    const { resources, token, vault } = openLogin({ isolation: 'none' });
    vault.put('a', 'the-login', 'of a');
    const failure = await inTenant('a', () => failureOf(resources.acquire(token)));
    expect(failure).toMatchObject({ code: 'RESOURCE_CREDENTIAL_MISSING' });
    expect(vault.reads).toEqual([{ tenant: undefined, id: 'the-login', scope: undefined }]);
    await resources.close();
  });

  it('say who needs them to the vault, and hide from it for how long that one waits', async () => {
    const { currentContext } = await import('@tenon/core');
    const { resources, token, vault } = openLogin();
    vault.put('a', 'the-login', 'x');
    let seen: unknown;
    vault.before = () => void (seen = currentContext());
    const actor = { type: 'user', id: 'ada' } as const;
    const context = { tenant: 'a', actor, requestId: 'r1', signal: new AbortController().signal };
    await runInContext(context, () => resources.use(token, () => undefined));
    expect(seen).toEqual({ tenant: 'a', actor, requestId: 'r1' });
    await resources.close();
  });

  it('use what the registration of a scope names', async () => {
    const { resources, token, vault } = openLogin();
    resources.register(token, { scope: { tenant: 'a' }, credentials: { login: { id: 'other', scope: 'org:a' } } });
    vault.put('a', 'other', 'x');
    await inTenant('a', () => resources.use(token, () => undefined));
    expect(vault.reads).toEqual([{ tenant: 'a', id: 'other', scope: 'org:a' }]);
    await resources.close();
  });

  it('are read once for all instances, and anew when what is in them has expired', async () => {
    const { resources, token, vault, clock, made, living } = openLogin({ maintenanceIntervalMs: 86_400_000 });
    vault.put(undefined, 'the-login', 'first', { expiresAt: new Date(clock.now() + 60_000) });
    const leases = [await resources.acquire(token)];
    leases.push(await resources.acquire(token));
    expect(vault.reads).toHaveLength(1);
    await clock.advance(60_000);
    const late = await failureOf(resources.acquire(token));
    expect(late).toMatchObject({
      code: 'RESOURCE_CREDENTIAL_MISSING',
      message: expect.stringContaining('has expired'),
    });
    vault.put(undefined, 'the-login', 'second');
    await clock.advance(1_000);
    const fresh = await resources.acquire(token);
    expect(fresh.value.password).toBe('second');
    for (const lease of [...leases, fresh]) lease.lease.release();
    await settle();
    expect(living().every(({ password }) => password === 'second')).toBe(true);
    expect(made.filter(({ password }) => password === 'first')).toHaveLength(2);
    await resources.close();
  });

  it('are read no longer than an instance may take to be made', async () => {
    const { resources, token, vault, clock, made } = openLogin({ pool: { createTimeoutMs: 1_000 } });
    vault.put(undefined, 'the-login', 'x');
    vault.before = () => new Promise(() => undefined);
    const failure = failureOf(resources.acquire(token));
    await clock.advance(1_000);
    expect((await failure).cause).toMatchObject({ code: 'RESOURCE_TIMEOUT' });
    vault.before = () => undefined;
    await clock.advance(1_000);
    await resources.use(token, () => undefined);
    expect(made).toHaveLength(1);
    expect(await resources.close({ timeoutMs: 1_000 })).toMatchObject({ left: 0 });
  });
});

describe('a rotated credential', () => {
  it.each(['pooled', 'shared'] as const)('fails nobody of 200 at work (%s)', async (use) => {
    const opened = openLogin({ use, pool: { max: 20 } });
    const { resources, token, vault, clock, made, living, events } = opened;
    vault.put(undefined, 'the-login', 'v1');
    const work = async (worker: number): Promise<readonly string[]> => {
      const passwords: string[] = [];
      for (let turn = 0; turn < 20; turn += 1) {
        await using one = await resources.acquire(token);
        expect(one.value.endedFor).toBeUndefined();
        passwords.push(one.value.password);
        await new Promise<void>((resolve) => void clock.schedule(resolve, 5 + (worker % 7)));
        expect(one.value.endedFor).toBeUndefined();
        expect(one.lease.signal.aborted).toBe(false);
      }
      return passwords;
    };
    const all = Promise.all(Array.from({ length: 200 }, (_, worker) => work(worker)));
    for (const version of ['v2', 'v3']) {
      await clock.advance(200);
      vault.put(undefined, 'the-login', version);
      await resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    }
    await clock.advance(5_000);
    await all;
    expect(living().map(({ password }) => password)).toEqual(living().map(() => 'v3'));
    expect(made.some(({ password }) => password === 'v2')).toBe(true);
    expect(events.filter(({ type }) => type === 'credential-rotated')).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'acquire-failed')).toEqual([]);
    expect(await resources.close()).toMatchObject({ forced: 0, left: 0 });
    expect(living()).toEqual([]);
  });

  it('is tried first, and the old one goes on when it does not work', async () => {
    const { resources, token, vault, accepted, made, events } = openLogin();
    accepted.add('v1');
    vault.put(undefined, 'the-login', 'v1');
    const held = await resources.acquire(token);
    vault.put(undefined, 'the-login', 'wrong');
    await resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    expect(made.map(({ password, endedFor }) => [password, endedFor])).toEqual([
      ['v1', undefined],
      ['wrong', 'surplus'],
    ]);
    expect(events.filter(({ type }) => type.startsWith('credential'))).toMatchObject([
      { type: 'credential-refresh-failed', slot: 'login', code: 'RESOURCE_UNAVAILABLE' },
    ]);
    held.lease.release();
    await resources.use(token, ({ value }) => expect(value.password).toBe('v1'));
    expect(resources.list()[0]?.credentials).toEqual({ login: { id: 'the-login', version: 1 } });
    accepted.add('wrong');
    await resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    await resources.use(token, ({ value }) => expect(value.password).toBe('wrong'));
    await resources.close();
  });

  it('is not used when no instance can be made with it, however long that takes', async () => {
    const opened = openLogin({ maintenanceIntervalMs: 1_000 });
    const { resources, token, vault, clock, events } = opened;
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    vault.put(undefined, 'the-login', 'v2');
    opened.before = () => new Promise(() => undefined);
    const changing = resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    await clock.advance(30_000);
    await changing;
    // What hangs is not begun again and again.
    await clock.advance(90_000);
    expect(events.find(({ type }) => type === 'credential-refresh-failed')).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await resources.use(token, ({ value }) => expect(value.password).toBe('v1'));
    expect(await resources.close({ timeoutMs: 0 })).toMatchObject({ left: 1 });
  });

  it('is given to instances that take it over, which then live on', async () => {
    const { resources, token, vault, made } = openLogin({
      onCredentialRotated: async (connection, password) => {
        connection.password = password;
        return 'keep';
      },
    });
    vault.put(undefined, 'the-login', 'v1');
    const held = await resources.acquire(token);
    await resources.use(token, () => undefined);
    vault.put(undefined, 'the-login', 'v2');
    await resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    expect(made.filter(({ endedFor }) => endedFor === undefined).map(({ password }) => password)).toEqual(['v2', 'v2']);
    expect(held.value.password).toBe('v2');
    held.lease.release();
    await resources.close();
  });

  it.each([
    ['says so', () => Promise.resolve('replace' as const)],
    ['fails', () => Promise.reject(new Error('no'))],
    ['does not answer', () => new Promise<'keep'>(() => undefined)],
  ])('replaces all when one that should take it over %s', async (_, onCredentialRotated) => {
    const { resources, token, vault, clock, living } = openLogin({ onCredentialRotated });
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    vault.put(undefined, 'the-login', 'v2');
    const changing = resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    await clock.advance(30_000);
    await changing;
    expect(living()).toEqual([]);
    await resources.use(token, ({ value }) => expect(value.password).toBe('v2'));
    await resources.close();
  });

  it('reaches what is being made with the old one meanwhile', async () => {
    const opened = openLogin({ onCredentialRotated: () => Promise.resolve('keep') });
    const { resources, token, vault, made } = opened;
    vault.put(undefined, 'the-login', 'v1');
    const slow = Promise.withResolvers<void>();
    opened.before = () => slow.promise;
    const acquiring = resources.acquire(token);
    await settle();
    vault.put(undefined, 'the-login', 'v2');
    const changing = resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    await settle();
    slow.resolve();
    await changing;
    const one = await acquiring;
    expect(one.value.password).toBe('v2');
    expect(made.filter(({ endedFor }) => endedFor === undefined)).toEqual([one.value]);
    one.lease.release();
    await resources.close();
  });

  it('never gives way to an older one, however slowly that is read', async () => {
    const { resources, token, vault } = openLogin({ pool: { max: 3 } });
    vault.put(undefined, 'the-login', 'v1');
    const slow = Promise.withResolvers<void>();
    vault.before = () => slow.promise;
    const early = resources.acquire(token);
    await settle();
    vault.before = () => undefined;
    vault.put(undefined, 'the-login', 'v2');
    await resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    slow.resolve();
    const one = await early;
    expect(one.value.password).toBe('v2');
    expect(resources.list()[0]?.credentials).toEqual({ login: { id: 'the-login', version: 2 } });
    one.lease.release();
    await resources.close();
  });

  it('is changed over to once, however many tell of it', async () => {
    const { resources, token, vault, made, events } = openLogin();
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    vault.put(undefined, 'the-login', 'v2');
    const change = { id: 'the-login', change: 'rotated' } as const;
    await Promise.all([1, 2, 3].map(() => resources.credentialChanged(change)));
    expect(events.filter(({ type }) => type === 'credential-rotated')).toHaveLength(1);
    expect(made.filter(({ endedFor }) => endedFor === 'surplus')).toHaveLength(1);
    await resources.close();
  });

  it('is noticed within an interval without anybody telling', async () => {
    const { resources, token, vault, clock, events } = openLogin({ maintenanceIntervalMs: 10_000 });
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    await clock.advance(9_999);
    vault.put(undefined, 'the-login', 'v2');
    expect(events.some(({ type }) => type === 'credential-rotated')).toBe(false);
    await clock.advance(1);
    expect(events.some(({ type }) => type === 'credential-rotated')).toBe(true);
    await resources.use(token, ({ value }) => expect(value.password).toBe('v2'));
    await resources.close();
  });

  it('reaches what rests on it too', async () => {
    const { resources, token, vault, living } = openLogin();
    const top = tracked('top', { dependencies: { base: token } });
    resources.register(top.token);
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(top.token, () => undefined);
    vault.put(undefined, 'the-login', 'v2');
    await resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    expect(top.living()).toEqual([]);
    expect(living()).toEqual([]);
    await resources.use(top.token, () => undefined);
    expect(living().map(({ password }) => password)).toEqual(['v2']);
    await resources.close();
  });

  it('ends with the resource: what is being tried ends too', async () => {
    const opened = openLogin();
    const { resources, token, vault, living, events } = opened;
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    vault.put(undefined, 'the-login', 'v2');
    const slow = Promise.withResolvers<void>();
    opened.before = () => slow.promise;
    const changing = resources.credentialChanged({ id: 'the-login', change: 'rotated' });
    await settle();
    const closing = resources.close();
    slow.resolve();
    expect(await closing).toMatchObject({ left: 0 });
    expect(living()).toEqual([]);
    await changing;
    expect(events.filter(({ type }) => type.startsWith('credential'))).toEqual([]);
  });
});

describe('a vault that fails', () => {
  it.each([
    ['throws', () => Promise.reject(new Error('down'))],
    ['never answers', () => new Promise<void>(() => undefined)],
  ])('counts as one that says nothing: it %s, and what there is goes on', async (_, before) => {
    const { resources, token, vault, clock, events } = openLogin({ maintenanceIntervalMs: 10_000 });
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    vault.before = before;
    await clock.advance(45_000);
    expect(events.filter(({ type }) => type === 'credential-refresh-failed').length).toBeGreaterThan(0);
    await resources.use(token, ({ value }) => expect(value.id).toBe(1));
    // And it is asked again.
    vault.before = () => undefined;
    vault.put(undefined, 'the-login', 'v2');
    await clock.advance(45_000);
    await resources.use(token, ({ value }) => expect(value.password).toBe('v2'));
    await resources.close();
  });
});

describe('a revoked credential', () => {
  it.each(['pooled', 'shared'] as const)('is fenced before anything is awaited (%s)', async (use) => {
    const { resources, token, vault, made } = openLogin({ use, pool: { max: 2 } });
    vault.put(undefined, 'the-login', 'v1');
    const leases = [await resources.acquire(token), await resources.acquire(token)];
    const signals = leases.map(({ lease }) => lease.signal);
    const waiting = use === 'shared' ? undefined : failureOf(resources.acquire(token));
    const revoking = resources.credentialChanged({ id: 'the-login', change: 'revoked' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    const after = failureOf(resources.acquire(token));
    expect((await waiting)?.code ?? 'RESOURCE_REVOKED').toBe('RESOURCE_REVOKED');
    await revoking;
    // The vault still gives what was revoked.
    expect((await after).code).toBe('RESOURCE_CREDENTIAL_MISSING');
    for (const { lease } of leases) lease.release();
    await settle();
    expect(made.every(({ endedFor }) => endedFor === 'revoked')).toBe(true);
    await resources.close();
  });

  it('does not come back through a vault that lags, and a newer version works again', async () => {
    const { resources, token, vault, events, clock } = openLogin();
    vault.put(undefined, 'the-login', 'v1');
    await resources.use(token, () => undefined);
    await resources.credentialChanged({ id: 'the-login', change: 'revoked' });
    expect(events.filter(({ type }) => type === 'credential-revoked')).toMatchObject([{ slot: 'login' }]);
    for (let turn = 0; turn < 3; turn += 1) {
      const failure = await failureOf(resources.acquire(token));
      expect(failure.code).toBe('RESOURCE_CREDENTIAL_MISSING');
      await clock.advance(10_000);
    }
    vault.put(undefined, 'the-login', 'v2');
    await clock.advance(60_000);
    await resources.use(token, ({ value }) => expect(value.password).toBe('v2'));
    await resources.close();
  });

  it('ends within its time what borrowers do not give back', async () => {
    const { resources, token, vault, clock, made } = openLogin({ drainTimeoutMs: 5_000 });
    vault.put(undefined, 'the-login', 'v1');
    await resources.acquire(token);
    await resources.credentialChanged({ id: 'the-login', change: 'revoked' });
    await clock.advance(4_999);
    expect(made[0]?.endedFor).toBeUndefined();
    await clock.advance(1);
    expect(made[0]?.endedFor).toBe('forced');
    await resources.close();
  });

  it('counts also when it is in use by what is being replaced', async () => {
    const { resources, token, vault } = openLogin();
    vault.put(undefined, 'the-login', 'v1');
    const held = await resources.acquire(token);
    resources.reload(token, { pool: { max: 7 } });
    expect(held.lease.signal.aborted).toBe(false);
    void resources.credentialChanged({ id: 'the-login', change: 'revoked' });
    expect(held.lease.signal.aborted).toBe(true);
    held.lease.release();
    await resources.close();
  });

  it('takes what rests on it out of use in the same moment', async () => {
    const { resources, token, vault } = openLogin();
    const middle = tracked('middle', { dependencies: { base: token } });
    const top = tracked('top', { dependencies: { middle: middle.token } });
    resources.register(middle.token);
    resources.register(top.token);
    vault.put(undefined, 'the-login', 'v1');
    const held = await resources.acquire(top.token);
    const { signal } = held.lease;
    void resources.credentialChanged({ id: 'the-login', change: 'revoked' });
    expect(signal.aborted).toBe(true);
    expect((await failureOf(resources.acquire(top.token))).code).toBe('RESOURCE_INITIALIZATION_FAILED');
    held.lease.release();
    await settle();
    expect([...top.living(), ...middle.living()]).toEqual([]);
    await resources.close();
  });

  it('takes also what is being made on it out of use', async () => {
    const { resources, token, vault } = openLogin();
    const slow = Promise.withResolvers<void>();
    const top = tracked('top', { dependencies: { base: token }, before: () => slow.promise });
    resources.register(top.token);
    vault.put(undefined, 'the-login', 'v1');
    const acquiring = failureOf(resources.acquire(top.token));
    await settle();
    void resources.credentialChanged({ id: 'the-login', change: 'revoked' });
    slow.resolve();
    expect((await acquiring).code).toBe('RESOURCE_REVOKED');
    await settle();
    expect(top.living()).toEqual([]);
    await resources.close();
  });

  it('is one that the vault does not have any more', async () => {
    const { resources, token, vault, clock } = openLogin({ maintenanceIntervalMs: 10_000 });
    vault.put('a', 'the-login', 'v1');
    vault.put('b', 'the-login', 'v1');
    const [mine, other] = await Promise.all([
      inTenant('a', () => resources.acquire(token)),
      inTenant('b', () => resources.acquire(token)),
    ]);
    const signals = [mine.lease.signal, other.lease.signal];
    vault.delete('a', 'the-login');
    await clock.advance(10_000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    vault.delete('b', 'the-login');
    await inTenant('b', () => resources.credentialChanged({ id: 'the-login', change: 'rotated' }));
    expect(signals[1]?.aborted).toBe(true);
    mine.lease.release();
    other.lease.release();
    await resources.close();
  });

  it('that was deleted is fenced also in what is being replaced', async () => {
    const { resources, token, vault, clock } = openLogin({ maintenanceIntervalMs: 10_000 });
    vault.put(undefined, 'the-login', 'v1');
    const old = await resources.acquire(token);
    resources.reload(token, { pool: { max: 7 } });
    await resources.use(token, () => undefined);
    vault.delete(undefined, 'the-login');
    const { signal } = old.lease;
    await clock.advance(10_000);
    expect(signal.aborted).toBe(true);
    old.lease.release();
    await resources.close();
  });

  it('is that of one tenant, and of one scope', async () => {
    const vault = createTestVault();
    const token = defineResource({
      name: 'scoped',
      credentials: { login: { kind: 'basic', id: 'the-login', scope: 'org:x' } },
      create: () => 1,
    });
    const { resources } = openResources({ define: [token], vault });
    for (const tenant of ['a', 'b']) vault.put(tenant, 'the-login', 'x');
    const a = await inTenant('a', () => resources.acquire(token));
    const b = await inTenant('b', () => resources.acquire(token));
    await resources.credentialChanged({ tenant: 'a', id: 'the-login', scope: 'org:y', change: 'revoked' });
    await resources.credentialChanged({ tenant: 'a', id: 'another', change: 'revoked' });
    expect([a.lease.signal.aborted, b.lease.signal.aborted]).toEqual([false, false]);
    await resources.credentialChanged({ tenant: 'a', id: 'the-login', scope: 'org:x', change: 'revoked' });
    expect([a.lease.signal.aborted, b.lease.signal.aborted]).toEqual([true, false]);
    const theft = resources.credentialChanged.bind(resources, { tenant: 'b', id: 'the-login', change: 'revoked' });
    expect((await inTenant('a', () => failureOf(theft))).code).toBe('RESOURCE_TENANT_MISMATCH');
    a.lease.release();
    b.lease.release();
    await resources.close();
  });
});
