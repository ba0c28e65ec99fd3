import { resourceError, type ResourceError } from '../errors.ts';
import type { Entry } from './entry.ts';
import type { Lease, LeaseOutcome } from './pool.ts';
import type { PoolCore } from './pool-core.ts';

/** {@link Lease} of a pool. The only thing that is made when an idle instance is borrowed, besides the promise. */
export class PoolLease<Instance> implements Lease<Instance> {
  readonly #core: PoolCore<Instance>;
  #entry: Entry<Instance> | undefined;
  #signal: AbortSignal | undefined;

  constructor(core: PoolCore<Instance>, entry: Entry<Instance>) {
    this.#core = core;
    this.#entry = entry;
  }

  get value(): Instance {
    const entry = this.#entry;
    if (entry === undefined) throw leaseReleased(this.#core.config.name);
    if (this.#core.isRevoked) throw poolRevoked(this.#core.config.name);
    return entry.instance;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  get released(): boolean {
    return this.#entry === undefined;
  }

  release(outcome?: LeaseOutcome): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    this.#entry = undefined;
    this.#core.giveBack(entry, outcome);
  }

  taint(): void {
    if (this.#entry !== undefined) this.#entry.retired ??= 'tainted';
  }

  [Symbol.asyncDispose](): Promise<void> {
    const entry = this.#entry;
    if (entry === undefined) return Promise.resolve();
    this.release();
    if (entry.state !== 'checking' && (entry.state !== 'destroying' || !this.#core.entries.has(entry))) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      entry.onSettled ??= [];
      entry.onSettled.push(resolve);
    });
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #makeSignal(): AbortSignal {
    const entry = this.#entry;
    const { name } = this.#core.config;
    if (entry === undefined) return AbortSignal.abort(leaseReleased(name));
    // Nobody else holds this entry, so the controller is this lease's.
    entry.controller ??= new AbortController();
    if (this.#core.isRevoked) entry.controller.abort(poolRevoked(name));
    else if (entry.state === 'destroying') entry.controller.abort(poolClosed(name));
    return entry.controller.signal;
  }
}

/** For whoever uses an instance that is somebody else's by now. */
function leaseReleased(name: string): ResourceError {
  return resourceError('LEASE_RELEASED', `this lease of pool "${name}" was given back; acquire another one`, {
    details: { pool: name },
  });
}

/** For everybody, after `revoke`. */
export function poolRevoked(name: string): ResourceError {
  return resourceError('RESOURCE_REVOKED', `pool "${name}" was revoked; acquire from what replaces it`, {
    retryable: true,
    retryAfterMs: 100,
    details: { pool: name },
  });
}

/** For borrowers of a pool that is draining or closed. */
export function poolClosed(name: string): ResourceError {
  return resourceError('POOL_CLOSED', `pool "${name}" is closed or being closed and lends nothing any more`, {
    details: { pool: name },
  });
}
