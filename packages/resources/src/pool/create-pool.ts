import { invalidate, resize } from './invalidate.ts';
import { runHolding } from './nested-acquire.ts';
import type { AcquireOptions, CloseOptions, CloseReport, DrainReport, Lease, Pool, WarmUpOptions } from './pool.ts';
import { PoolCore } from './pool-core.ts';
import type { PoolOptions } from './pool-options.ts';
import { recommend, type PoolRecommendation } from './recommendation.ts';
import { resolvePoolOptions } from './resolve-pool-options.ts';
import { close, drain, revoke } from './shut-down.ts';
import { readStatistics, type PoolStatistics } from './statistics.ts';
import { acquireLease } from './waiting.ts';
import { warmUp } from './warm-up.ts';

/**
 * Makes a pool. Nothing is made or timed before the first `acquire` or `warmUp`; call `close` at the end.
 *
 * @example
 * ```ts
 * const pool = createPool({
 *   name: 'orders-db',
 *   max: 20,
 *   create: async () => {
 *     const client = new pg.Client({ connectionString });
 *     await client.connect();
 *     return client;
 *   },
 *   destroy: (client) => client.end(),
 * });
 *
 * await using lease = await pool.acquire({ timeoutMs: 2_000 });
 * const { rows } = await lease.value.query('select 1 as one');
 * ```
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the option that makes no sense
 */
export function createPool<Instance>(options: PoolOptions<Instance>): Pool<Instance> {
  return new BoundedPool(new PoolCore(resolvePoolOptions(options)));
}

class BoundedPool<Instance> implements Pool<Instance> {
  readonly name: string;
  readonly #core: PoolCore<Instance>;
  #closing: Promise<CloseReport> | undefined;

  constructor(core: PoolCore<Instance>) {
    this.#core = core;
    this.name = core.config.name;
  }

  acquire(options?: AcquireOptions): Promise<Lease<Instance>> {
    return acquireLease(this.#core, options);
  }

  tryAcquire(): Lease<Instance> | undefined {
    return this.#core.tryLend();
  }

  async use<Result>(
    work: (instance: Instance, lease: Lease<Instance>) => Result | Promise<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    const core = this.#core;
    const lease = await acquireLease(core, options);
    const run = (): Result | Promise<Result> => work(lease.value, lease);
    try {
      return await (core.config.nestedAcquire === 'refuse' ? runHolding(core, lease, run) : run());
    } catch (error) {
      lease.release({ failed: true });
      throw error;
    } finally {
      lease.release();
    }
  }

  warmUp(options: WarmUpOptions = {}): Promise<void> {
    return warmUp(this.#core, options);
  }

  resize(size: { readonly min?: number; readonly max?: number }): void {
    resize(this.#core, size);
  }

  invalidate(why?: string): void {
    invalidate(this.#core, why);
  }

  revoke(): void {
    revoke(this.#core);
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<DrainReport> {
    return drain(this.#core, options.timeoutMs);
  }

  close(options: CloseOptions = {}): Promise<CloseReport> {
    this.#closing ??= close(this.#core, options);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  statistics(): PoolStatistics {
    return readStatistics(this.#core);
  }

  recommendation(): PoolRecommendation {
    return recommend(readStatistics(this.#core));
  }
}
