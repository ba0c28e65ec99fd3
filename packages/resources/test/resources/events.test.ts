import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource, type ResourceEvent } from '@tenon/resources';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { createTestVault } from '../support/test-vault.ts';
import { tracked } from '../support/tracked.ts';

describe('a listener', () => {
  it('hears what happens to a resource, in order, with what it is about', async () => {
    const { token } = tracked('thing', { technology: 'postgres' });
    const { resources, events, clock } = openResources();
    resources.register(token);
    await inTenant('a', async () => {
      const one = await resources.acquire(token);
      await clock.advance(70);
      one.lease.release({ failed: true });
    });
    await resources.remove(token);
    const place = { resource: 'thing', technology: 'postgres' };
    const first = clock.now() - 70;
    expect(events.map((event) => (event.type === 'pool' ? `pool ${event.event.type}` : event.type))).toEqual([
      'registered',
      'state-changed',
      'state-changed',
      'state-changed',
      'pool created',
      'state-changed',
      'acquired',
      'released',
      'state-changed',
      'removed',
      'state-changed',
      'pool draining',
      'pool destroyed',
      'pool closed',
      'state-changed',
      'state-changed',
    ]);
    expect(events[0]).toEqual({ ...place, atMs: first, type: 'registered', version: '1.0.0' });
    expect(events[1]).toEqual({
      ...place,
      scope: 'tenant=a',
      atMs: first,
      type: 'state-changed',
      from: 'created',
      to: 'initializing',
    });
    expect(events.find(({ type }) => type === 'released')).toEqual({
      ...place,
      scope: 'tenant=a',
      atMs: first + 70,
      type: 'released',
      heldMs: 70,
      failed: true,
    });
    await resources.close();
  });

  it('that throws keeps nobody else from hearing, nor the work from going on', async () => {
    const { token } = tracked('thing');
    const errors: unknown[] = [];
    const { silentLogger } = await import('@tenon/core');
    const logger = {
      ...silentLogger,
      error: (...line: readonly unknown[]) => void errors.push(line),
      child: () => logger,
    };
    await using resources = createResources({ define: [token], logger });
    const heard: string[] = [];
    resources.onEvent(() => {
      throw new Error('deaf');
    });
    resources.onEvent(({ type }) => void heard.push(type));
    await resources.use(token, () => undefined);
    expect(heard).toContain('released');
    expect(errors.length).toBe(heard.length);
  });

  it('stops hearing when it says so, once', async () => {
    const { token } = tracked('thing');
    await using resources = createResources({ define: [token] });
    const heard: ResourceEvent[] = [];
    const listener = (event: ResourceEvent) => void heard.push(event);
    const [stop] = [resources.onEvent(listener), resources.onEvent(listener)];
    stop();
    stop();
    await resources.use(token, () => undefined);
    const { length } = heard;
    expect(length).toBeGreaterThan(0);
    expect(new Set(heard).size).toBe(length);
  });
});

describe('a stream of events', () => {
  const open = () => {
    const { token } = tracked('thing');
    const resources = createResources();
    const many = async (count: number) => {
      for (let turn = 0; turn < count; turn += 1) {
        resources.register(token);
        await resources.remove(token);
      }
    };
    return { resources, token, many };
  };

  it('keeps the newest up to its bound, counts what it drops, and ends with its signal', async () => {
    const { resources, many } = open();
    const end = new AbortController();
    const stream = resources.events({ signal: end.signal, maxBuffered: 5 });
    await many(10);
    expect(stream.dropped).toBe(15);
    const read: string[] = [];
    const reading = (async () => {
      for await (const { type } of stream) read.push(type);
    })();
    await settle();
    expect(read).toEqual(['removed', 'registered', 'removed', 'registered', 'removed']);
    await many(1);
    await settle();
    end.abort();
    await reading;
    expect(read).toHaveLength(7);
    expect(stream.dropped).toBe(15);
    await resources.close();
  });

  it('gives what is left, and nothing new, after its signal', async () => {
    const { resources, many } = open();
    const end = new AbortController();
    const stream = resources.events({ signal: end.signal });
    await many(2);
    end.abort();
    await many(2);
    const read = [];
    for await (const event of stream) read.push(event);
    expect(read).toHaveLength(4);
    for await (const event of resources.events({ signal: end.signal })) read.push(event);
    expect(read).toHaveLength(4);
    await resources.close();
  });

  it('can be left by its reader', async () => {
    const { resources, many } = open();
    const stream = resources.events({ signal: new AbortController().signal, maxBuffered: 1 });
    await many(1);
    for await (const event of stream) if (event.type === 'removed') break;
    await many(5);
    expect(stream.dropped).toBe(1);
    await resources.close();
  });

  it.each([0, 1.5, NaN, 1_000_001])('refuses a bound of %f', async (maxBuffered) => {
    await using resources = createResources();
    const { signal } = new AbortController();
    expect(await failureOf(() => resources.events({ signal, maxBuffered }))).toMatchObject({
      code: 'RESOURCE_CONFIGURATION_INVALID',
      details: { option: 'maxBuffered' },
    });
  });
});

describe('no event, view or record', () => {
  it('holds a secret, an instance or a setting that is hidden', async () => {
    const vault = createTestVault();
    vault.put('a', 'the-login', 'canary-credential');
    let fails: string | undefined;
    const fail = (step: string): void => {
      if (fails === step) throw Object.assign(new Error(`canary-${step} at redis://u:canary@host`), { code: 'E1' });
    };
    const token = defineResource({
      name: 'thing',
      schema: Type.Object({ password: Type.String() }),
      config: { password: 'canary-config' },
      hidden: ['password'],
      health: { intervalMs: 1_000, failureThreshold: 1, maxAttempts: 1 },
      credentials: { login: { kind: 'basic', id: 'the-login' } },
      create({ credentials, config }) {
        fail('create');
        return { text: `canary-instance ${credentials.login.secret.reveal()} ${config.password}` };
      },
      check: () => fail('check'),
      reset: () => fail('reset'),
      destroy: () => fail('destroy'),
    });
    const { resources, events, clock } = openResources({ define: [token], vault });
    const seen: unknown[] = [];
    for (const step of ['nothing', 'create', 'reset', 'destroy', 'check', 'create']) {
      fails = step;
      await inTenant('a', () => resources.use(token, () => undefined)).catch(() => undefined);
      vault.put('a', 'the-login', `canary-${step}`);
      await resources.credentialChanged({ tenant: 'a', id: 'the-login', change: 'rotated' });
      await clock.advance(5_000);
      seen.push(resources.list(), resources.health(), resources.healthHistory(token));
      await resources.drain(token);
    }
    await resources.credentialChanged({ tenant: 'a', id: 'the-login', change: 'revoked' });
    seen.push(await resources.close());
    const types = new Set(events.map((event) => (event.type === 'pool' ? event.event.type : event.type)));
    for (const type of ['create-failed', 'reset-failed', 'destroy-failed', 'quarantined', 'given-up', 'acquired']) {
      expect(types).toContain(type);
    }
    const { inspect } = await import('node:util');
    expect(inspect([events, seen], { depth: 20, showHidden: true })).not.toContain('canary');
    expect(JSON.stringify([events, seen])).not.toContain('canary');
  });
});
