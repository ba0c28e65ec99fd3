import assert from 'node:assert/strict';
import { isCodedError } from '@tenon/core';
import type { KvErrorCode } from '../errors.ts';
import type { KeyValueStore } from '../key-value-store.ts';

/** What a contract check asks of the store that it is given. */
export interface StoreRequest {
  /** As the driver's option of that name. Default: the driver's own. */
  readonly maxValueBytes?: number;
}

/** A store with what a check needs around it. */
export interface StoreUnderTest {
  /** Empty, and nobody else's. The check closes it. */
  readonly store: KeyValueStore;
  /** A second store over the same values, as another process would open it. Left out where values cannot be shared. */
  readonly other?: KeyValueStore;
  /** Makes that much time pass for the values in the store, without waiting for it. */
  readonly advance: (ms: number) => Promise<void>;
}

/** Opens a store for one check. */
export type OpenStore = (request: StoreRequest) => Promise<StoreUnderTest>;

/** One rule of the contract. */
export interface ContractCheck {
  /** The rule as a sentence. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the driver breaks the rule. */
  readonly run: () => Promise<void>;
}

/** A rule before it is bound to a driver. */
export interface ContractRule {
  readonly name: string;
  readonly request?: StoreRequest;
  readonly check: (tools: StoreUnderTest) => Promise<void>;
}

/** Text as bytes. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** @throws `AssertionError` unless the store holds exactly these bytes under the key */
export async function assertHolds(store: KeyValueStore, key: string, expected: Uint8Array | undefined): Promise<void> {
  const actual = await store.get(key);
  if (expected === undefined || actual === undefined) {
    assert.equal(actual, expected, 'a value is there that should not be, or is missing');
    return;
  }
  assert.ok(actual instanceof Uint8Array, 'a value is not a Uint8Array');
  assert.ok(Buffer.compare(actual, expected) === 0, 'the bytes differ from what was written');
}

/** @throws `AssertionError` unless the call rejects with this code */
export async function assertRefused(code: KvErrorCode, call: () => Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isCodedError(error, code), `${code} was expected`);
}
