import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  bindContext,
  currentContext,
  deadlineAfter,
  isTenantId,
  requireContext,
  requireTenant,
  runAs,
  runInContext,
  sleep,
  type Context,
} from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from './code-of.ts';

const system = { type: 'system', id: 'test' } as const;

describe('running in a context', () => {
  it('shows the context inside, gives back what the work gives, and shows nothing after', async () => {
    expect(currentContext()).toBeUndefined();
    expect(runInContext({ tenant: 'acme' }, () => currentContext())).toEqual({ tenant: 'acme' });
    const later = runInContext({ tenant: 'acme' }, async () => {
      await Promise.resolve();
      return requireTenant();
    });
    expect(currentContext()).toBeUndefined();
    await expect(later).resolves.toBe('acme');
    expect(currentContext()).toBeUndefined();
  });

  it('carries everything that travels with a request', () => {
    const { signal } = new AbortController();
    const whole: Context = {
      tenant: 'acme',
      actor: { type: 'user', id: 'u1', scopes: ['orders:write'] },
      requestId: 'r1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      deadline: deadlineAfter(1_000, { clock: createTestClock() }),
      signal,
    };
    expect(runInContext(whole, requireContext)).toEqual(whole);
  });

  it('inherits nothing from an outer context', () => {
    const inner = runInContext({ tenant: 'acme', requestId: 'r1', actor: system }, () =>
      runInContext({ tenant: 'globex' }, requireContext),
    );
    expect(inner).toEqual({ tenant: 'globex' });
  });

  it('cannot be changed from inside, nor through the object it was made from', () => {
    const given: { tenant: string } = { tenant: 'acme' };
    runInContext(given, () => {
      given.tenant = 'globex';
      expect(requireTenant()).toBe('acme');
      expect(() => Object.assign(requireContext(), { tenant: 'globex' })).toThrow(TypeError);
      expect(requireTenant()).toBe('acme');
    });
  });

  it('leaves nothing behind when the work throws or rejects', async () => {
    const failure = new Error('failed');
    expect(() =>
      runInContext({ tenant: 'acme' }, () => {
        throw failure;
      }),
    ).toThrow(failure);
    expect(currentContext()).toBeUndefined();
    await expect(runInContext({ tenant: 'acme' }, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(currentContext()).toBeUndefined();
  });
});

describe('running as somebody', () => {
  it('changes tenant and actor, and keeps the rest of the context', () => {
    const inner = runInContext({ tenant: 'acme', requestId: 'r1' }, () =>
      runAs({ tenant: 'globex', actor: system }, requireContext),
    );
    expect(inner).toEqual({ tenant: 'globex', requestId: 'r1', actor: system });
  });

  it('keeps the actor when only the tenant changes, and the other way round', () => {
    runInContext({ tenant: 'acme', actor: system }, () => {
      expect(runAs({ tenant: 'globex' }, requireContext)).toEqual({ tenant: 'globex', actor: system });
      const user = { type: 'user', id: 'u1' } as const;
      expect(runAs({ actor: user }, requireContext)).toEqual({ tenant: 'acme', actor: user });
    });
  });

  it('works outside of any context', () => {
    expect(runAs({ tenant: 'acme' }, requireContext)).toEqual({ tenant: 'acme' });
    expect(currentContext()).toBeUndefined();
  });
});

describe('a tenant id', () => {
  const valid = ['a', 'acme', 'Acme_2-b', '0', '-', 'x'.repeat(64)];
  const invalid = ['', 'x'.repeat(65), 'a b', 'a/b', 'a.b', 'a:b', '*', 'ü', 'acme\n', '\nacme', "a'--", 'a\0'];

  it('is 1 to 64 letters, digits, "_" or "-"', () => {
    expect(valid.filter(isTenantId)).toEqual(valid);
    expect(invalid.filter(isTenantId)).toEqual([]);
  });

  it('is checked before the work begins', () => {
    for (const tenant of invalid) {
      expect(codeOf(() => runInContext({ tenant }, () => expect.unreachable()))).toBe('TENANT_INVALID');
      expect(codeOf(() => runAs({ tenant }, () => expect.unreachable()))).toBe('TENANT_INVALID');
    }
  });
});

describe('asking for what is not there', () => {
  it('is an error, never a default', () => {
    expect(codeOf(requireContext)).toBe('CONTEXT_MISSING');
    expect(codeOf(requireTenant)).toBe('TENANT_REQUIRED');
    expect(codeOf(() => runInContext({ requestId: 'r1' }, requireTenant))).toBe('TENANT_REQUIRED');
    expect(runInContext({}, requireContext)).toEqual({});
  });
});

describe('a bound callback', () => {
  it('runs in the context where it was bound, not where it is called', () => {
    const bound = runInContext({ tenant: 'acme' }, () => bindContext((text: string) => `${requireTenant()} ${text}`));
    expect(bound('outside')).toBe('acme outside');
    expect(runInContext({ tenant: 'globex' }, () => bound('inside'))).toBe('acme inside');
    expect(currentContext()).toBeUndefined();
  });

  it('that was bound outside of any context runs outside of any', () => {
    const bound = bindContext(currentContext);
    expect(runInContext({ tenant: 'acme' }, bound)).toBeUndefined();
  });

  it('gets the context of its own listener from a shared emitter, whoever emits', () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    runInContext({ tenant: 'acme' }, () =>
      emitter.on(
        'event',
        bindContext(() => seen.push(requireTenant())),
      ),
    );
    runInContext({ tenant: 'globex' }, () =>
      emitter.on(
        'event',
        bindContext(() => seen.push(requireTenant())),
      ),
    );
    emitter.on(
      'event',
      bindContext(() => seen.push(currentContext())),
    );
    runInContext({ tenant: 'initech' }, () => emitter.emit('event'));
    expect(seen).toEqual(['acme', 'globex', undefined]);
  });

  it('is what an unbound listener lacks: it would run as whoever emits', () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    runInContext({ tenant: 'acme' }, () => emitter.on('event', () => seen.push(requireTenant())));
    runInContext({ tenant: 'initech' }, () => emitter.emit('event'));
    expect(seen).toEqual(['initech']);
  });
});

// One emitter and one clock for all tenants, as a pool or a broker would share them.
const shared = new EventEmitter();
shared.setMaxListeners(0);

/** The ways in which work goes on later. Each resolves to the tenant that it saw there. */
const hops = {
  microtask: () => new Promise<string>((resolve) => queueMicrotask(() => resolve(requireTenant()))),
  nextTick: () => new Promise<string>((resolve) => process.nextTick(() => resolve(requireTenant()))),
  immediate: () => new Promise<string>((resolve) => setImmediate(() => resolve(requireTenant()))),
  timer: () => new Promise<string>((resolve) => setTimeout(() => resolve(requireTenant()), 0)),
  async clock() {
    const clock = createTestClock();
    const [tenant] = await Promise.all([sleep(clock, 10).then(requireTenant), clock.advance(10)]);
    return tenant;
  },
  async iteration() {
    async function* tenants(): AsyncGenerator<string> {
      for (let turn = 0; turn < 3; turn += 1) yield await Promise.resolve().then(requireTenant);
    }
    const seen = new Set<string>();
    for await (const tenant of tenants()) seen.add(tenant);
    return [...seen].join();
  },
  async stream() {
    const seen = new Set<string>();
    const through = new Transform({
      objectMode: true,
      transform(chunk, _, done) {
        seen.add(requireTenant());
        setImmediate(() => done(null, chunk));
      },
    });
    const into = new Writable({
      objectMode: true,
      write(_chunk, _, done) {
        seen.add(requireTenant());
        done();
      },
    });
    await pipeline(Readable.from([1, 2, 3]), through, into);
    return [...seen].join();
  },
  emitter: () =>
    new Promise<string>((resolve) => {
      shared.once(
        'event',
        bindContext(() => resolve(requireTenant())),
      );
      // Emitted by nobody in particular.
      setImmediate(bindOutside(() => shared.emit('event')));
    }),
  rejection: () => Promise.reject(new Error('expected')).catch(requireTenant),
  nested: () => runAs({ tenant: 'nested' }, async () => Promise.resolve().then(requireTenant)).then(requireTenant),
} satisfies Record<string, () => Promise<string>>;

const outside = new AsyncResource('Outside');

function bindOutside(work: () => void): () => void {
  return () => outside.runInAsyncScope(work);
}

const kinds = Object.keys(hops) as (keyof typeof hops)[];

describe('the tenant of a request', () => {
  it.each(kinds)('is still there after this kind of hop: %s', async (kind) => {
    await expect(runInContext({ tenant: 'acme' }, hops[kind])).resolves.toBe('acme');
    expect(currentContext()).toBeUndefined();
  });

  it('property 23: the tenant follows asynchronous work', async () => {
    const plans = fc.array(fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 5 }), {
      minLength: 2,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(plans, fc.scheduler(), async (requests, scheduler) => {
        const serve = async (plan: (typeof requests)[number]): Promise<string[]> => {
          const seen = [requireTenant()];
          for (const kind of plan) {
            await scheduler.schedule(Promise.resolve(), kind);
            seen.push(requireTenant());
            seen.push(await hops[kind]());
          }
          return seen;
        };
        const served = requests.map((plan, index) => runInContext({ tenant: `tenant-${index}` }, () => serve(plan)));
        const seen = await scheduler.waitFor(Promise.all(served));
        seen.forEach((tenants, index) => expect(new Set(tenants)).toEqual(new Set([`tenant-${index}`])));
        expect(currentContext()).toBeUndefined();
      }),
      { numRuns: 60 },
    );
    expect(currentContext()).toBeUndefined();
    expect(shared.listenerCount('event')).toBe(0);
  });

  it('is gone when the request is over: later work of others sees none', async () => {
    const queue: (() => unknown)[] = [];
    await runInContext({ tenant: 'acme' }, async () => {
      queue.push(currentContext);
      await Promise.resolve();
    });
    expect(queue.map((job) => job())).toEqual([undefined]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(currentContext()).toBeUndefined();
  });
});
