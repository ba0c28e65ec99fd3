import type { CredentialStorage } from '@tenon/credentials';
import { keyValueStorage } from '@tenon/credentials/drivers/key-value';
import { sampleRecord } from '@tenon/credentials/testing';
import type { KeyValueStore } from '@tenon/kv';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interceptStore } from './intercepted-store.ts';

const options = { signal: new AbortController().signal };
// Long, so that a handful of credentials fills a part of the list and splits it.
const SCOPE = `org:${'a'.repeat(500)}`;
const idOf = (index: number): string => `${String(index).padStart(2, '0')}-${'i'.repeat(240)}`;
const FILLED = Array.from({ length: 18 }, (_, index) => idOf(index * 2));

type Step = { readonly kind: 'create' | 'delete'; readonly id: string };

interface Worker {
  readonly steps: readonly Step[];
  /** After how many calls of the store the process dies. */
  readonly diesAfter: number;
}

const id = fc.oneof(fc.constantFrom(idOf(7), idOf(8), idOf(9)), fc.integer({ min: 0, max: 40 }).map(idOf));
const step: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom('create' as const, 'delete' as const), id });
const workers: fc.Arbitrary<Worker[]> = fc.array(
  fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    diesAfter: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 25 })),
  }),
  { minLength: 2, maxLength: 4 },
);

async function filledStore(): Promise<KeyValueStore> {
  const store = createMemoryStore();
  const storage = keyValueStorage({ store });
  for (const one of FILLED) {
    await storage.put({ record: sampleRecord({ scope: SCOPE, id: one }), expectedRevision: 0 }, options);
  }
  return store;
}

/** A process of its own on the store: each call waits until the scheduler lets it, and none follows its death. */
function startWorker(store: KeyValueStore, { steps, diesAfter }: Worker, scheduler: fc.Scheduler): Promise<void> {
  const dead = Promise.withResolvers<never>();
  // Nobody may be waiting for it.
  dead.promise.catch(() => undefined);
  let calls = 0;
  const paused = interceptStore(store, async () => {
    calls += 1;
    if (calls > diesAfter) {
      dead.reject(new Error('killed'));
      return dead.promise;
    }
    return scheduler.schedule(Promise.resolve());
  });
  const storage = keyValueStorage({ store: paused });
  return perform(storage, steps).catch(() => undefined);
}

async function perform(storage: CredentialStorage, steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    const record = sampleRecord({ scope: SCOPE, id: one.id });
    if (one.kind === 'create') await storage.put({ record, expectedRevision: 0 }, options);
    else await storage.delete(record.key, options);
  }
}

async function listed(storage: CredentialStorage, limit: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (;;) {
    const last = ids.at(-1);
    const after = last === undefined ? {} : { after: { scope: SCOPE, id: last } };
    const { items, hasMore } = await storage.list({ tenant: 'acme', limit, ...after }, options);
    ids.push(...items.map(({ key }) => key.id));
    if (!hasMore) return ids;
  }
}

describe('processes that share a key-value storage', () => {
  it('leave exactly the records that are there in the list, in whatever order their calls meet, and whenever one of them dies', async () => {
    await fc.assert(
      fc.asyncProperty(workers, fc.scheduler(), async (several, scheduler) => {
        const store = await filledStore();
        const done = Promise.all(several.map((worker) => startWorker(store, worker, scheduler)));
        await scheduler.waitFor(done);

        const storage = keyValueStorage({ store });
        const all = [...new Set([...FILLED, ...several.flatMap(({ steps }) => steps.map((one) => one.id))])].toSorted();
        const there: string[] = [];
        for (const one of all) {
          const { key } = sampleRecord({ scope: SCOPE, id: one });
          if ((await storage.get(key, options)) !== undefined) there.push(one);
        }
        expect(await listed(storage, 1_000)).toEqual(there);
        expect(await listed(storage, 7)).toEqual(there);
        // Nothing of the dead is in the way of the living.
        for (const one of all) {
          const record = sampleRecord({ scope: SCOPE, id: one });
          const isThere = there.includes(one);
          expect(await storage.put({ record, expectedRevision: 0 }, options)).toBe(!isThere);
        }
        expect(await listed(storage, 1_000)).toEqual(all);
      }),
      { numRuns: 150 },
    );
  });
});
