import type { PoolOptions } from '@tenon/resources';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolCommands } from './commands.ts';
import type { HookShape, Thing } from './scripted-hooks.ts';
import { World } from './world.ts';

const RUNS = Number(process.env['TENON_TEST_POOL_RUNS'] ?? 10_000);

const shapes: fc.Arbitrary<HookShape> = fc.record({
  isSynchronous: fc.boolean(),
  hasValidate: fc.boolean(),
  hasReset: fc.boolean(),
  hasIsBroken: fc.boolean(),
});

const options: fc.Arbitrary<Omit<PoolOptions<Thing>, 'name' | 'create' | 'destroy'>> = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  min: fc.constantFrom(0, 0, 1),
  maxWaiters: fc.constantFrom(0, 2, 100),
  maxConcurrentCreates: fc.constantFrom(1, 3),
  queueOrder: fc.constantFrom('fifo', 'lifo'),
  strategy: fc.constantFrom('lifo', 'fifo', 'lru', 'weighted', 'adaptive'),
  maxUses: fc.constantFrom(Infinity, 2),
  maxLifetimeMs: fc.constantFrom(Infinity, 100),
  idleTimeoutMs: fc.constantFrom(Infinity, 80),
  aliveBypassMs: fc.constantFrom(0, 50),
  maxCreateFailures: fc.constantFrom(1, 3),
  createTimeoutMs: fc.constantFrom(60, 10_000),
  destroyTimeoutMs: fc.constantFrom(60, 10_000),
  validateTimeoutMs: fc.constantFrom(60, 10_000),
  resetTimeoutMs: fc.constantFrom(60, 10_000),
  createBackoff: fc.constant({ initialMs: 10, maxMs: 40 }),
});

describe('a pool, whatever happens to it', () => {
  it(
    'is never above max, loses no waiter, lends nothing twice and destroys each instance once',
    { timeout: 120_000 },
    async () => {
      let runs = 0;
      const histories = fc.commands(poolCommands, { maxCommands: 60, size: 'max' });
      await fc.assert(
        fc.asyncProperty(options, shapes, histories, async (settings, shape, history) => {
          const world = new World(settings, shape);
          await fc.asyncModelRun(() => ({ model: {}, real: world }), history);
          await world.end();
          runs += 1;
        }),
        { numRuns: RUNS },
      );
      expect(runs).toBe(RUNS);
    },
  );
});
