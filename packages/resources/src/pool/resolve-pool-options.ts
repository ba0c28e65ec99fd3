import { silentLogger, systemClock } from '@tenon/core';
import { resourceError, type ResourceError } from '../errors.ts';
import type { CreateBackoff, PoolOptions } from './pool-options.ts';

type Hooks = 'validate' | 'isBroken' | 'reset' | 'healthOf' | 'onEvent' | 'maxHoldMs';

/** {@link PoolOptions} with every default filled in. */
export type PoolConfig<Instance> = Required<Omit<PoolOptions<Instance>, Hooks | 'createBackoff'>> &
  Pick<PoolOptions<Instance>, Hooks> & { readonly createBackoff: Required<CreateBackoff> };

/**
 * Fills in the defaults and refuses what makes no sense.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the option and its range
 */
export function resolvePoolOptions<Instance>(options: PoolOptions<Instance>): PoolConfig<Instance> {
  const config: PoolConfig<Instance> = {
    min: 0,
    max: 10,
    maxWaiters: 1_000,
    maxConcurrentCreates: 3,
    queueOrder: 'fifo',
    strategy: 'lifo',
    nestedAcquire: 'refuse',
    acquireTimeoutMs: 30_000,
    createTimeoutMs: 30_000,
    validateTimeoutMs: 5_000,
    resetTimeoutMs: 5_000,
    destroyTimeoutMs: 5_000,
    idleTimeoutMs: 600_000,
    maxLifetimeMs: 1_800_000,
    maxUses: Infinity,
    aliveBypassMs: 500,
    maxCreateFailures: 1,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
    ...withoutUndefined(options),
    createBackoff: { initialMs: 200, factor: 2, maxMs: 30_000, jitter: 0.5, ...options.createBackoff },
  };
  check(config);
  return config;
}

/**
 * Refuses bounds that make no sense.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID`
 */
export function checkSize(name: string, size: { readonly min: number; readonly max: number }): void {
  if (!Number.isInteger(size.max) || size.max < 1) throw invalid(name, 'max', 'a whole number from 1');
  if (!Number.isInteger(size.min) || size.min < 0 || size.min > size.max) {
    throw invalid(name, 'min', 'a whole number from 0 to max');
  }
}

const counts = [
  ['maxWaiters', 0],
  ['maxConcurrentCreates', 1],
  ['maxUses', 1],
  ['maxCreateFailures', 1],
] as const;

const positiveTimes = [
  'createTimeoutMs',
  'validateTimeoutMs',
  'resetTimeoutMs',
  'destroyTimeoutMs',
  'idleTimeoutMs',
  'maxLifetimeMs',
  'maxHoldMs',
] as const;

function check<Instance>(config: PoolConfig<Instance>): void {
  const { name } = config;
  if (typeof name !== 'string' || name === '') throw invalid('', 'name', 'a text that is not empty');
  checkSize(name, config);
  for (const [option, least] of counts) {
    const value = config[option];
    const isCount = (Number.isInteger(value) || value === Infinity) && value >= least;
    if (!isCount) throw invalid(name, option, `a whole number from ${least}, or Infinity`);
  }
  for (const option of positiveTimes) {
    const value = config[option];
    if (value !== undefined && !(value > 0)) throw invalid(name, option, 'milliseconds above 0, or Infinity');
  }
  for (const option of ['acquireTimeoutMs', 'aliveBypassMs'] as const) {
    if (!(config[option] >= 0)) throw invalid(name, option, 'milliseconds from 0, or Infinity');
  }
  const { initialMs, factor, maxMs, jitter } = config.createBackoff;
  if (!(initialMs >= 1 && factor >= 1 && maxMs >= initialMs && jitter >= 0 && jitter <= 1)) {
    throw invalid(name, 'createBackoff', '1 <= initialMs <= maxMs, factor from 1, jitter from 0 to 1');
  }
  if (!['fifo', 'lifo'].includes(config.queueOrder)) throw invalid(name, 'queueOrder', '"fifo" or "lifo"');
  if (!['lifo', 'fifo', 'lru', 'weighted', 'adaptive'].includes(config.strategy)) {
    throw invalid(name, 'strategy', '"lifo", "fifo", "lru", "weighted" or "adaptive"');
  }
  if (!['refuse', 'allow'].includes(config.nestedAcquire)) throw invalid(name, 'nestedAcquire', '"refuse" or "allow"');
}

function invalid(name: string, option: string, range: string): ResourceError {
  return resourceError('RESOURCE_CONFIGURATION_INVALID', `option "${option}" of pool "${name}" must be ${range}`, {
    details: { pool: name, option },
  });
}

// An option that is given as undefined would else hide its default.
function withoutUndefined<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
