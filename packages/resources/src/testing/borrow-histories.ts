import type * as FastCheck from 'fast-check';
import { isCodedError, runAs } from '@tenon/core';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { Borrowed } from '../managed/resource-services.ts';
import type { TestResources } from './test-resources.ts';

/** One step of a history. Borrowers have numbers from 0; who has something already, or has nothing to give back, does nothing. */
export type BorrowStep =
  | { readonly type: 'acquire'; readonly borrower: number; readonly tenant: string }
  | { readonly type: 'release'; readonly borrower: number; readonly failed: boolean }
  | { readonly type: 'taint'; readonly borrower: number }
  | { readonly type: 'abort'; readonly borrower: number }
  | { readonly type: 'break' }
  | { readonly type: 'advance'; readonly ms: number };

/** What {@link borrowHistories} makes. */
export interface BorrowHistoryOptions {
  /** 1 or more. Default 8. */
  readonly borrowers?: number;
  /** The most steps, 1 or more. Default 60. */
  readonly maxSteps?: number;
  /** One or more. Default `['a', 'b']`. */
  readonly tenants?: readonly [string, ...string[]];
  /** The most by which the clock moves in one step, in milliseconds. Default 60,000. */
  readonly maxAdvanceMs?: number;
}

/**
 * Random histories of borrowers, for fast-check.
 *
 * @param fc - fast-check, which only who uses this needs
 * @example
 * ```ts
 * await fc.assert(
 *   fc.asyncProperty(borrowHistories(fc), async (steps) => {
 *     const test = createTestResources();
 *     test.provide(ordersDb, {});
 *     const { lentTwice, notEndedOnce } = await playHistory(test, ordersDb, steps);
 *     expect({ lentTwice, notEndedOnce }).toEqual({ lentTwice: 0, notEndedOnce: 0 });
 *   }),
 * );
 * ```
 */
export function borrowHistories(
  fc: Pick<typeof FastCheck, 'array' | 'boolean' | 'constant' | 'constantFrom' | 'nat' | 'oneof' | 'record'>,
  { borrowers = 8, maxSteps = 60, tenants = ['a', 'b'], maxAdvanceMs = 60_000 }: BorrowHistoryOptions = {},
): FastCheck.Arbitrary<readonly BorrowStep[]> {
  const borrower = fc.nat({ max: borrowers - 1 });
  const step: FastCheck.Arbitrary<BorrowStep> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ type: fc.constant('acquire' as const), borrower, tenant: fc.constantFrom(...tenants) }),
    },
    { weight: 8, arbitrary: fc.record({ type: fc.constant('release' as const), borrower, failed: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('taint' as const), borrower }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('abort' as const), borrower }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('break' as const) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.nat({ max: maxAdvanceMs }) }) },
  );
  return fc.array(step, { maxLength: maxSteps, size: 'max' });
}

/** What became of a history. */
export interface BorrowHistoryReport {
  /** The most instances that lived at once, by scope. */
  readonly instancesAtOnce: ReadonlyMap<string, number>;
  /** The most instances that several borrowers had at once: more than 0 only for shared ones. */
  readonly lentTwice: number;
  /** Instances that were lent in another scope than they were made for. */
  readonly lentElsewhere: number;
  readonly made: number;
  /** Instances that were not ended, or more than once, when all was closed. */
  readonly notEndedOnce: number;
  /** The codes of failures, by how often. */
  readonly failures: ReadonlyMap<string, number>;
  /** Acquires that neither went well nor failed, when all was closed. */
  readonly unanswered: number;
}

/**
 * Plays a history on test resources that have a fake for the token, closes them, and tells what became of it.
 *
 * @throws what is no coded error
 */
export async function playHistory(
  test: TestResources,
  token: ResourceToken,
  steps: readonly BorrowStep[],
): Promise<BorrowHistoryReport> {
  const fake = test.resource(token);
  const player = new HistoryPlayer(test, token);
  const instancesAtOnce = new Map<string, number>();
  for (const step of steps) {
    player.take(step);
    await test.clock.advance(step.type === 'advance' ? step.ms : 0);
    const living = Map.groupBy(fake.living(), ({ scope }) => scope);
    for (const [scope, those] of living)
      instancesAtOnce.set(scope, Math.max(instancesAtOnce.get(scope) ?? 0, those.length));
    player.look();
  }
  const closing = test.resources.close({ timeoutMs: 1_000 });
  player.giveAllBack();
  await test.clock.advance(600_000);
  await closing;
  await test.clock.advance(0);
  return player.report(instancesAtOnce);
}

interface Borrower {
  readonly stop: AbortController;
  borrowed: Borrowed | undefined;
}

class HistoryPlayer {
  readonly #test: TestResources;
  readonly #token: ResourceToken;
  readonly #borrowers = new Map<number, Borrower>();
  readonly #failures = new Map<string, number>();
  #unanswered = 0;
  #lentTwice = 0;
  #broken: unknown;

  constructor(test: TestResources, token: ResourceToken) {
    this.#test = test;
    this.#token = token;
  }

  take(step: BorrowStep): void {
    if (step.type === 'acquire') this.#acquire(step.borrower, step.tenant);
    else if (step.type === 'release') this.#release(step.borrower, step.failed);
    else if (step.type === 'taint') this.#borrowers.get(step.borrower)?.borrowed?.lease.taint();
    else if (step.type === 'abort') this.#borrowers.get(step.borrower)?.stop.abort();
    else if (step.type === 'break') this.#test.resource(this.#token).breakAll();
  }

  /** Counts instances that several have now. */
  look(): void {
    const out = new Map<string, number>();
    for (const { operation, scope, instance } of this.#test.history({ resource: this.#token.name })) {
      const key = `${scope} ${instance}`;
      if (instance === undefined) continue;
      if (operation === 'acquire') out.set(key, (out.get(key) ?? 0) + 1);
      if (operation === 'release') out.set(key, (out.get(key) ?? 0) - 1);
    }
    this.#lentTwice = Math.max(this.#lentTwice, [...out.values()].filter((count) => count > 1).length);
  }

  giveAllBack(): void {
    for (const [borrower, { stop }] of this.#borrowers) {
      stop.abort();
      this.#release(borrower, false);
    }
  }

  report(instancesAtOnce: ReadonlyMap<string, number>): BorrowHistoryReport {
    if (this.#broken !== undefined) throw this.#broken;
    const { history } = this.#test;
    const of = (operation: 'create' | 'destroy' | 'acquire') => history({ operation, resource: this.#token.name });
    const made = of('create').filter(({ failure, endedMs }) => failure === undefined && endedMs !== undefined);
    const endings = Map.groupBy(of('destroy'), ({ instance }) => instance);
    const scopes = new Map(made.map(({ instance, scope }) => [instance, scope]));
    return {
      instancesAtOnce,
      lentTwice: this.#lentTwice,
      lentElsewhere: of('acquire').filter(
        ({ instance, scope }) => instance !== undefined && scopes.get(instance) !== scope,
      ).length,
      made: made.length,
      notEndedOnce: made.filter(({ instance }) => endings.get(instance)?.length !== 1).length,
      failures: this.#failures,
      unanswered: this.#unanswered,
    };
  }

  #acquire(number: number, tenant: string): void {
    if (this.#borrowers.has(number)) return;
    const borrower: Borrower = { stop: new AbortController(), borrowed: undefined };
    this.#borrowers.set(number, borrower);
    this.#unanswered += 1;
    const { signal } = borrower.stop;
    const acquiring = runAs({ tenant, actor: { type: 'system', id: 'history' } }, () =>
      this.#test.resources.acquire(this.#token, undefined, { signal }),
    );
    void acquiring
      .then(
        (borrowed) => {
          borrower.borrowed = borrowed;
          // It came after all borrowers had left.
          if (this.#borrowers.get(number) !== borrower) borrowed.lease.release();
        },
        (error: unknown) => {
          this.#borrowers.delete(number);
          if (!isCodedError(error)) this.#broken ??= error;
          else this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
        },
      )
      .finally(() => {
        this.#unanswered -= 1;
      });
  }

  #release(number: number, failed: boolean): void {
    const borrowed = this.#borrowers.get(number)?.borrowed;
    if (borrowed === undefined) return;
    this.#borrowers.delete(number);
    borrowed.lease.release({ failed });
  }
}
