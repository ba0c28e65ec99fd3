import type { CodedError } from '@tenon/core';
import { createPool, type PoolOptions } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { openPool, type Thing } from './open-pool.ts';

const required = { name: 'things', create: () => ({ id: 1 }), destroy: () => undefined };

describe('the options of a pool', () => {
  it.each<Partial<Record<keyof PoolOptions<Thing>, unknown>>>([
    { name: '' },
    { max: 0 },
    { max: 1.5 },
    { max: Infinity },
    { min: -1 },
    { min: 11 },
    { maxWaiters: -1 },
    { maxWaiters: 0.5 },
    { maxConcurrentCreates: 0 },
    { maxUses: 0 },
    { maxCreateFailures: 0 },
    { acquireTimeoutMs: -1 },
    { acquireTimeoutMs: Number.NaN },
    { createTimeoutMs: 0 },
    { validateTimeoutMs: 0 },
    { resetTimeoutMs: 0 },
    { destroyTimeoutMs: 0 },
    { idleTimeoutMs: 0 },
    { maxLifetimeMs: -5 },
    { maxHoldMs: 0 },
    { aliveBypassMs: -1 },
    { createBackoff: { initialMs: 0 } },
    { createBackoff: { factor: 0.5 } },
    { createBackoff: { initialMs: 500, maxMs: 100 } },
    { createBackoff: { jitter: 2 } },
    { queueOrder: 'random' },
    { strategy: 'best' },
    { nestedAcquire: 'maybe' },
  ])('are refused when they make no sense: %j', (wrong) => {
    const [option] = Object.keys(wrong);
    expect(() => createPool({ ...required, ...wrong } as PoolOptions<Thing>)).toThrow(
      expect.objectContaining({
        code: 'RESOURCE_CONFIGURATION_INVALID',
        message: expect.stringContaining(`"${option}"`),
      }),
    );
  });

  it.each([
    ['createTimeoutMs', 30_000, { create: () => new Promise<Thing>(() => undefined) }],
    ['destroyTimeoutMs', 5_000, { destroy: () => new Promise<void>(() => undefined) }],
    ['validateTimeoutMs', 5_000, { validate: () => new Promise<boolean>(() => undefined), aliveBypassMs: 0 }],
    ['resetTimeoutMs', 5_000, { reset: () => new Promise<void>(() => undefined) }],
  ] as const)('give %s its default', async (_option, defaultMs, hooks) => {
    const { pool, clock, events } = openPool({ acquireTimeoutMs: Infinity, ...hooks });
    const end = async (): Promise<void> => {
      const lease = await pool.acquire();
      if ('destroy' in hooks) lease.taint();
      lease.release();
    };
    const work = end().then(end, () => undefined);
    await clock.advance(defaultMs - 1);
    expect(events.filter(({ type }) => type.endsWith('-failed'))).toEqual([]);
    await clock.advance(1);
    expect(events.filter(({ type }) => type.endsWith('-failed'))).not.toEqual([]);
    await pool.close({ timeoutMs: 0 });
    await work.catch(() => undefined);
  });

  it('let 1,000 wait for 30 seconds by default', async () => {
    const { pool, clock } = openPool({ max: 1 });
    await pool.acquire();
    const ended: unknown[] = [];
    for (let index = 0; index < 1_001; index += 1) pool.acquire().catch((error: CodedError) => ended.push(error.code));
    await clock.advance(29_999);
    expect(ended).toEqual(['POOL_EXHAUSTED']);
    await clock.advance(1);
    expect(ended).toHaveLength(1_001);
  });

  it('have their defaults also when they are undefined', async () => {
    const pool = createPool({ ...required, max: undefined, strategy: undefined } as unknown as PoolOptions<Thing>);
    expect(pool.statistics()).toMatchObject({ name: 'things', max: 10, min: 0, state: 'open' });
    await pool.close();
  });

  it('send failures to the logger, and what onEvent throws', async () => {
    const lines: { readonly level: string; readonly fields: object }[] = [];
    const write = (level: string) => (fields: object) => void lines.push({ level, fields });
    const logger = {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => logger,
    };
    const failure = new Error('refused');
    const thrown = new Error('listener');
    const { pool } = openPool({
      logger,
      create: () => Promise.reject(failure),
      onEvent() {
        throw thrown;
      },
    });
    await pool.acquire().catch(() => undefined);
    expect(lines).toEqual([
      { level: 'warn', fields: expect.objectContaining({ pool: 'things', type: 'create-failed', error: failure }) },
      { level: 'error', fields: { pool: 'things', error: thrown, event: 'create-failed' } },
    ]);
  });
});
