import { createTestClock, type TestClock } from '@tenon/core/testing';
import { createPool, type DestroyReason, type Pool, type PoolEvent, type PoolOptions } from '@tenon/resources';

/** An instance of the tests. */
export interface Thing {
  readonly id: number;
  isBroken?: boolean;
}

/** A pool of things, and what it did. */
export interface OpenPool {
  readonly pool: Pool<Thing>;
  readonly clock: TestClock;
  readonly made: Thing[];
  readonly destroyed: { readonly id: number; readonly reason: DestroyReason }[];
  readonly events: PoolEvent[];
}

/** Opens a pool whose things are numbered from 1. No part of its time is random. */
export function openPool(options: Partial<PoolOptions<Thing>> = {}): OpenPool {
  const clock = createTestClock();
  const made: Thing[] = [];
  const destroyed: OpenPool['destroyed'] = [];
  const events: PoolEvent[] = [];
  const pool = createPool<Thing>({
    name: 'things',
    clock,
    random: () => 0,
    create() {
      const thing = { id: made.length + 1 };
      made.push(thing);
      return thing;
    },
    destroy: ({ id }, { reason }) => void destroyed.push({ id, reason }),
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return { pool, clock, made, destroyed, events };
}

/** A promise that the test settles. */
export function deferred<Result = void>(): PromiseWithResolvers<Result> {
  return Promise.withResolvers<Result>();
}

/** The code that a promise is rejected with; `undefined` when it is fulfilled. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}

/** Lets promises continue, and begins the time of those who wait. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
