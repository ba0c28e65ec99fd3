import { sleep } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { defineResource, type ResourceToken } from '@tenon/resources';
import { createTestResources } from '@tenon/resources/testing';
import { describe, expect, it } from 'vitest';
import { inTenant } from '../support/open-resources.ts';

interface Mail {
  readonly host: string;
  send(text: string): Promise<number>;
}

const never = (): never => {
  throw new Error('the real one was made');
};
const token = (name: string, more: Partial<Parameters<typeof defineResource>[0]> = {}): ResourceToken<Mail> =>
  defineResource<object, never, Mail>({ name, ...more, create: never, expose: never } as never);
const mail = token('mail');
const face: Mail = { host: 'mail.test', send: (text) => Promise.resolve(text.length) };

describe('test resources', () => {
  it('give a typed fake for a token, and write down with its time that it was acquired', async () => {
    const { resources, provide, resource, history, clock } = createTestResources();
    provide(mail, face);
    await clock.advance(1_000);

    const length: number = await inTenant('acme', async () => {
      await using borrowed = await resources.acquire(mail);
      await clock.advance(250);
      return await borrowed.send('hello');
    });

    expect(length).toBe(5);
    const startMs = Date.UTC(2026, 0, 1);
    expect(history()).toEqual([
      { operation: 'acquire', resource: 'mail', scope: 'tenant=acme', instance: 1, atMs: startMs + 1_000, endedMs: startMs + 1_000, failure: undefined, reason: undefined },
      { operation: 'create', resource: 'mail', scope: 'tenant=acme', instance: 1, atMs: startMs + 1_000, endedMs: startMs + 1_000, failure: undefined, reason: undefined },
      { operation: 'release', resource: 'mail', scope: 'tenant=acme', instance: 1, atMs: startMs + 1_250, endedMs: startMs + 1_250, failure: undefined, reason: undefined },
    ]); // prettier-ignore
    expect(resource(mail).calls('acquire')).toHaveLength(1);
    expect(resource('mail').token).toBe(mail);
  });

  it('refuse a token that has no fake as unavailable, without a reason to try again', async () => {
    const { resources, provide, resource } = createTestResources();
    provide(mail, face);
    const other = token('mail');
    for (const work of [
      () => resources.acquire(token('other')),
      () => resources.acquire(other),
      () => resource(other),
      () => resource('other'),
      () => resources.register(token('other')),
    ]) {
      expect(await failureOf(async () => work())).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: false });
    }
    expect(resources.tokens()).toEqual([mail]);
    expect(resources.named('mail')).toBe(mail);
    expect(resources.named('other')).toBeUndefined();
  });

  it('never make the real one, and keep tenants apart as the real ones do', async () => {
    const test = createTestResources();
    const fake = test.provide(mail, ({ id, scope }) => ({ ...face, host: `${scope}#${id}` }));
    const hosts = await Promise.all(
      ['a', 'b'].map((tenant) => inTenant(tenant, () => test.resources.use(mail, ({ host }) => host))),
    );
    expect(hosts).toEqual(['tenant=a#1', 'tenant=b#2']);
    expect(fake.living()).toEqual([
      { id: 1, scope: 'tenant=a' },
      { id: 2, scope: 'tenant=b' },
    ]);
    await test.resources.close();
    expect(fake.living()).toEqual([]);
    expect(test.history({ operation: 'destroy' }).map(({ reason }) => reason)).toEqual(['closed', 'closed']);
  });

  it('fence a face that was given back, also when all borrowers share one', async () => {
    const { resources, provide } = createTestResources();
    const frozen: Mail = Object.freeze({ ...face });
    provide(mail, frozen);
    const first = await resources.acquire(mail);
    const second = await resources.acquire(mail);
    first.lease.release();
    expect((await failureOf(() => first.send('late'))).code).toBe('LEASE_RELEASED');
    expect(await second.send('in time')).toBe(7);
    expect(Object.keys(frozen)).toEqual(['host', 'send']);
  });

  it('fail, delay and hang what they are told to, on the clock of the test', async () => {
    const { resources, provide, clock, history } = createTestResources();
    const fake = provide(mail, face);

    fake.script('create', { fail: new Error('down') }, { times: 1 });
    expect(await failureOf(resources.acquire(mail))).toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      cause: { message: 'down' },
    });
    await clock.advance(60_000);

    fake.script('acquire', { delayMs: 500 });
    let isThere = false;
    const acquiring = resources.acquire(mail).then((borrowed) => {
      isThere = true;
      return borrowed;
    });
    await clock.advance(499);
    expect(isThere).toBe(false);
    await clock.advance(1);
    expect(isThere).toBe(true);
    (await acquiring).lease.release({ failed: true });

    fake.script('acquire', { hang: true }, { from: 2 });
    await resources.use(mail, () => undefined);
    const stop = new AbortController();
    const hanging = failureOf(resources.acquire(mail, undefined, { signal: stop.signal }));
    await clock.advance(3_600_000);
    stop.abort();
    expect((await hanging).code).toBe('ABORTED');

    expect(history({ operation: 'acquire' }).map(({ failure }) => failure)).toEqual([
      'RESOURCE_INITIALIZATION_FAILED',
      undefined,
      undefined,
      'ABORTED',
    ]);
    expect(history({ operation: 'release' }).map(({ failure }) => failure)).toEqual(['failed', undefined]);
    expect(history({ operation: 'create', resource: 'mail' }).map(({ failure }) => failure)).toEqual([
      'Error',
      undefined,
    ]);
    expect(history({ resource: 'other' })).toEqual([]);
  });

  it('make health and breakage what the test says', async () => {
    const { resources, provide } = createTestResources();
    const fake = provide(token('mail'), face);
    await resources.use(fake.token, () => undefined);
    expect((await resources.check())[0]?.health.status).toBe('healthy');
    fake.setHealth({ status: 'degraded', reason: 'slow', impact: 0.3 });
    expect((await resources.check(fake.token))[0]?.health).toMatchObject({ status: 'degraded', impact: 0.3 });

    fake.breakAll();
    await resources.use(fake.token, () => undefined);
    expect(fake.living()).toMatchObject([{ id: 2 }]);
    expect(fake.calls('destroy')).toMatchObject([{ instance: 1, reason: 'broken' }]);
    expect(fake.calls('check')).toHaveLength(2);
  });

  it('forget calls and scripts, and keep what lives', async () => {
    const test = createTestResources();
    const fake = test.provide(mail, face);
    await test.resources.use(mail, () => undefined);
    fake.script('acquire', { fail: new Error('told before') }, { times: Infinity });
    test.reset();
    expect(test.history()).toEqual([]);
    await test.resources.use(mail, () => undefined);
    expect(test.history().map(({ operation }) => operation)).toEqual(['acquire', 'release']);
  });

  it('take the place of what a resource needs', async () => {
    const test = createTestResources();
    const shop = defineResource<object, never, Mail, never, { mail: ResourceToken<Mail> }>({
      name: 'shop',
      dependencies: { mail },
      create: never,
      expose: never,
    });
    const needed = test.provide(mail, face);
    test.provide(shop, face);
    await test.resources.use(shop, () => undefined);
    expect(needed.calls('create')).toHaveLength(1);
    await test.resources.close();
    expect(test.history({ operation: 'destroy' }).map(({ resource }) => resource)).toEqual(['shop', 'mail']);
  });

  it('do all else that resources do, by the tokens of the application', async () => {
    const test = createTestResources({ quota: { maxLeases: 1 } });
    test.provide(mail, face);
    const { resources } = test;
    await inTenant('acme', async () => {
      await resources.start({ tokens: [mail] });
      await using held = await resources.acquire(mail);
      expect((await failureOf(resources.acquire(mail))).code).toBe('RESOURCE_QUOTA_EXCEEDED');
      expect(resources.list({ token: mail })).toMatchObject([{ name: 'mail', borrowers: 1, state: 'in-use' }]);
      expect(resources.usage('acme').maxLeases).toBe(1);
      expect(await held.send('x')).toBe(1);
    });
    resources.hold(mail, 'for the test');
    expect((await failureOf(inTenant('acme', () => resources.acquire(mail)))).code).toBe('RESOURCE_UNAVAILABLE');
    resources.resume(mail);
    expect(await resources.drain(mail)).toMatchObject([{ resource: 'mail', destroyed: 1 }]);
    expect(resources.toMermaid()).toContain('mail');
    await resources.check();
    await resources.remove(mail);
    expect((await failureOf(resources.acquire(mail))).retryable).toBe(false);
  });

  it('run on the clock that they are given', async () => {
    const first = createTestResources();
    const { clock, scenario } = createTestResources({ clock: first.clock });
    expect(clock).toBe(first.clock);
    const summary = await scenario('waiting')
      .step('waits', ({ clock: mine }) => void sleep(mine, 10))
      .advance(10)
      .run();
    expect(summary.elapsedMs).toBe(10);
  });
});

describe('a scenario', () => {
  it('takes its steps in order, looks at what came of them, and sums up', async () => {
    const test = createTestResources();
    const summary = await test
      .scenario('mail comes back')
      .step('mail is down once', () => test.provide(mail, face).script('create', { fail: new Error('down') }))
      .step('somebody tries', ({ resources }) => failureOf(resources.acquire(mail)))
      .advance(60_000)
      .step('and again', ({ resources }) => resources.use(mail, () => undefined))
      .expect('one lives', ({ resource }) => resource(mail).living().length === 1)
      .expectCalls(mail, 'acquire', 2)
      .expectCalls(mail, 'create', 3)
      .expect('it never was', () => false)
      .run();

    expect(summary).toMatchObject({
      name: 'mail comes back',
      passed: false,
      elapsedMs: 60_000,
      calls: { mail: { acquire: 2, create: 2, release: 1 } },
    });
    expect(summary.steps.map(({ outcome, problem, atMs, type }) => [type, outcome, problem, atMs])).toEqual([
      ['action', 'passed', undefined, 0],
      ['action', 'passed', undefined, 0],
      ['action', 'passed', undefined, 0],
      ['action', 'passed', undefined, 60_000],
      ['expectation', 'passed', undefined, 60_000],
      ['expectation', 'passed', undefined, 60_000],
      ['expectation', 'failed', 'there were 2', 60_000],
      ['expectation', 'failed', 'it is not so', 60_000],
    ]);
    expect(String(summary)).toContain('failed  3 times create of "mail": there were 2');
  });

  it('skips what comes after an action that failed, and passes when nothing does', async () => {
    const test = createTestResources();
    test.provide(mail, face);
    const broken = await test
      .scenario('broken')
      .step('throws', () => {
        throw new Error('no');
      })
      .step('never', () => expect.unreachable())
      .expectCalls(mail, 'acquire', 0)
      .run();
    expect(broken.steps.map(({ outcome }) => outcome)).toEqual(['failed', 'skipped', 'skipped']);

    await test.resources.use(mail, () => undefined);
    const quiet = await test.scenario('quiet').expectCalls(mail, 'acquire', 0).run();
    expect(quiet).toMatchObject({ passed: true, calls: {} });
  });
});
