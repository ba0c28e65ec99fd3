import { namespace, type KeyValueStore } from '@tenon/kv';
import type { StoreUnderTest } from '@tenon/kv/testing';
import fc from 'fast-check';
import { expect } from 'vitest';

type Value = string | undefined;

type Operation =
  | { readonly kind: 'get' | 'delete'; readonly key: string }
  | {
      readonly kind: 'set' | 'setIfAbsent';
      readonly key: string;
      readonly value: string;
      readonly ttlMs: number | undefined;
    }
  | {
      readonly kind: 'compareAndSet';
      readonly key: string;
      readonly expected: Value;
      readonly next: Value;
      readonly ttlMs: number | undefined;
    }
  | { readonly kind: 'advance'; readonly ms: number };

// Few keys and values, so that operations meet. Time moves in whole minutes and limits end between two of them, half a
// minute away from any look: a store that runs by a server's clock gives the same answers as the model.
const MINUTE = 60_000;
const key = fc.constantFrom('a', 'b', 'ä');
const value = fc.constantFrom('', 'x', 'y', '\u0000\u00ff');
const ttlMs = fc.option(
  fc.integer({ min: 0, max: 4 }).map((minutes) => minutes * MINUTE + MINUTE / 2),
  { nil: undefined },
);
const optional = fc.option(value, { nil: undefined });

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('get' as const, 'delete' as const), key }),
    fc.record({ kind: fc.constantFrom('set' as const, 'setIfAbsent' as const), key, value, ttlMs }),
    fc.record({ kind: fc.constant('compareAndSet' as const), key, expected: optional, next: optional, ttlMs }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 3 }).map((n) => n * MINUTE) }),
  ),
  { minLength: 1, maxLength: 40 },
);

const toBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const toText = (bytes: Uint8Array | undefined): Value =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
const limit = (ms: number | undefined): { ttlMs?: number } => (ms === undefined ? {} : { ttlMs: ms });

/** The contract in fifteen lines: what every driver must agree with. */
class Model {
  #now = 0;
  readonly #values = new Map<string, { readonly value: string; readonly expiresAt: number }>();

  apply(operation: Operation): unknown {
    if (operation.kind === 'advance') {
      this.#now += operation.ms;
      return undefined;
    }
    const current = this.#find(operation.key);
    switch (operation.kind) {
      case 'get':
        return current;
      case 'delete':
        return this.#values.delete(operation.key) && current !== undefined;
      case 'set':
        this.#write(operation.key, operation.value, operation.ttlMs);
        return undefined;
      case 'setIfAbsent':
        if (current === undefined) this.#write(operation.key, operation.value, operation.ttlMs);
        return current === undefined;
      case 'compareAndSet':
        if (current === operation.expected) this.#write(operation.key, operation.next, operation.ttlMs);
        return current === operation.expected;
      default:
        return operation satisfies never;
    }
  }

  #find(name: string): Value {
    const entry = this.#values.get(name);
    return entry === undefined || entry.expiresAt <= this.#now ? undefined : entry.value;
  }

  #write(name: string, next: Value, ttl = Infinity): void {
    if (next === undefined) this.#values.delete(name);
    else this.#values.set(name, { value: next, expiresAt: this.#now + ttl });
  }
}

async function perform(store: KeyValueStore, operation: Exclude<Operation, { kind: 'advance' }>): Promise<unknown> {
  switch (operation.kind) {
    case 'get':
      return toText(await store.get(operation.key));
    case 'delete':
      return store.delete(operation.key);
    case 'set':
      return store.set(operation.key, toBytes(operation.value), limit(operation.ttlMs));
    case 'setIfAbsent':
      return store.setIfAbsent(operation.key, toBytes(operation.value), limit(operation.ttlMs));
    case 'compareAndSet': {
      const [expected, next] = [operation.expected, operation.next].map((text) =>
        text === undefined ? undefined : toBytes(text),
      );
      return store.compareAndSet(operation.key, expected, next, limit(operation.ttlMs));
    }
    default:
      return operation satisfies never;
  }
}

/** Runs random operations on the store and on a model of it. Rejects when an answer differs. */
export async function compareWithModel(tools: StoreUnderTest, numRuns: number): Promise<void> {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(operations, async (steps) => {
      const store = namespace(tools.store, `run-${(run += 1)}`);
      const model = new Model();
      for (const step of steps) {
        const expected = model.apply(step);
        const actual = step.kind === 'advance' ? await tools.advance(step.ms) : await perform(store, step);
        expect(actual).toBe(expected);
      }
    }),
    { numRuns },
  );
  await tools.store.close();
  await tools.other?.close();
}
