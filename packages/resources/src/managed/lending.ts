import { codeOfFailure } from '@tenon/core';
import { slotFailureOr } from '../credentials/slot-failure.ts';
import type { ResourceEventFacts } from '../events/resource-event.ts';
import type { AcquireOptions, Lease } from '../pool/pool.ts';
import { takeQuota } from '../quota/take-quota.ts';
import type { QuotaName } from '../quota/tenant-quotas.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import { callerIsGone } from '../waiting/with-patience.ts';
import type { Instance } from './instance.ts';
import type { Loans } from './loans.ts';
import type { Borrowed, ResourceServices } from './resource-services.ts';
import type { Supply } from './shared-supply.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** What {@link Lending} works with. */
export interface LendingOptions {
  readonly token: ResourceToken;
  readonly scope: ResourceScope;
  readonly scopeText: string;
  readonly services: ResourceServices;
  readonly supply: Supply<Instance>;
  readonly loans: Loans;
  readonly waiting: WaitingRoom;
  /** Why nothing is lent now; `undefined` when something is. */
  refusal(): Error | undefined;
  emit(facts: ResourceEventFacts): void;
}

const NOTHING = (): void => undefined;

/** Lends the instances of a managed resource, within the quotas of tenants, and tells and counts what came of it. */
export class Lending {
  readonly #options: LendingOptions;

  constructor(options: LendingOptions) {
    this.#options = options;
  }

  /**
   * Lends an instance: at once, without a promise, when one lies ready.
   *
   * @param quotaOf - the tenant against whose quota it counts
   */
  acquire(options: AcquireOptions, quotaOf: string | undefined): Borrowed | Promise<Borrowed> {
    const { token, loans, supply } = this.#options;
    const startedMs = loans.touch();
    let giveBack = NOTHING;
    try {
      const refusal = callerIsGone(token.name, options) ?? this.#options.refusal();
      if (refusal !== undefined) throw refusal;
      giveBack = this.#take(quotaOf, 'maxLeases');
      const ready = supply.tryAcquire();
      if (ready !== undefined) return this.#lend(ready, giveBack, startedMs);
    } catch (error) {
      this.#notLent(error, giveBack, startedMs);
      throw error;
    }
    return this.#acquireLater(options, quotaOf, giveBack, startedMs);
  }

  async #acquireLater(
    options: AcquireOptions,
    quotaOf: string | undefined,
    giveBack: () => void,
    startedMs: number,
  ): Promise<Borrowed> {
    try {
      return this.#lend(await this.#wait(options, quotaOf), giveBack, startedMs);
    } catch (thrown) {
      const error = slotFailureOr(thrown);
      this.#notLent(error, giveBack, startedMs);
      throw error;
    }
  }

  async #wait(options: AcquireOptions, quotaOf: string | undefined): Promise<Lease<Instance>> {
    const { waiting, supply } = this.#options;
    const stopWaiting = this.#take(quotaOf, 'maxWaiters');
    try {
      return await waiting.wait(options, (own) => supply.acquire(own));
    } finally {
      stopWaiting();
    }
  }

  #take(tenant: string | undefined, quota: QuotaName): () => void {
    return takeQuota(this.#options.services, this.#options, tenant, quota);
  }

  #lend(lease: Lease<Instance>, giveBack: () => void, startedMs: number): Borrowed {
    const { token, scope, services, loans } = this.#options;
    const borrowed = loans.lend(lease, giveBack);
    const waitedMs = services.clock.monotonicMs() - startedMs;
    services.instruments.acquired(token, scope.tenant, waitedMs / 1_000);
    this.#options.emit({ type: 'acquired', waitedMs });
    return borrowed;
  }

  #notLent(error: unknown, giveBack: () => void, startedMs: number): void {
    const { token, services } = this.#options;
    const code = codeOfFailure(error);
    giveBack();
    services.instruments.failed(token, code);
    this.#options.emit({ type: 'acquire-failed', code, waitedMs: services.clock.monotonicMs() - startedMs });
  }
}
