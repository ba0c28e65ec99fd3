import assert from 'node:assert/strict';
import { isCodedError } from '@tenon/core';
import type { CredentialErrorCode } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';
import type {
  CredentialStorage,
  StorageCallOptions,
  StorageQuery,
  StoredSummary,
} from '../storage/credential-storage.ts';
import { comparePlaces } from '../storage/matches.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';

/** A storage with what a check needs around it. */
export interface StorageUnderTest {
  /** Empty, and nobody else's. The check closes it. */
  readonly storage: CredentialStorage;
  /** A second storage over the same data, as another process would open it. Left out where data cannot be shared. */
  readonly other?: CredentialStorage;
}

/** Opens an empty storage for one check. */
export type OpenStorage = () => StorageUnderTest | Promise<StorageUnderTest>;

/** What a driver can do, where drivers differ. */
export interface StorageCapabilities {
  /** How many bytes of envelopes one record may hold, 1 or more. Default 600,000. */
  readonly envelopeBytes?: number;
  /** How many callers try the same at the same time, 2 or more. Default 50. */
  readonly callers?: number;
}

/** One rule of the contract, bound to a driver. */
export interface ContractCheck {
  /** The rule as a sentence. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the driver breaks the rule. */
  readonly run: () => Promise<void>;
}

/** A rule before it is bound to a driver. */
export interface ContractRule {
  readonly name: string;
  readonly check: (tools: StorageUnderTest, capabilities: Required<StorageCapabilities>) => Promise<void>;
}

/** What each call is told. */
export function callOptions(): StorageCallOptions {
  return { signal: new AbortController().signal };
}

/** Puts a record behind the revision before its own. @throws `AssertionError` when it is not written */
export async function write(storage: CredentialStorage, ...records: readonly StoredCredential[]): Promise<void> {
  for (const record of records) {
    assert.equal(await put(storage, record), true, `record "${record.key.id}" was not written`);
  }
}

/** Puts a record behind the revision before its own, or another one. */
export function put(
  storage: CredentialStorage,
  record: StoredCredential,
  expectedRevision: number = record.revision - 1,
): Promise<boolean> {
  return storage.put({ record, expectedRevision }, callOptions());
}

/** @throws `AssertionError` unless exactly this record is there */
export async function assertHolds(storage: CredentialStorage, expected: StoredCredential): Promise<void> {
  assertSame(await storage.get(expected.key, callOptions()), expected);
}

/** @throws `AssertionError` when there is a record */
export async function assertMissing(storage: CredentialStorage, key: CredentialKey): Promise<void> {
  assert.equal(await storage.get(key, callOptions()), undefined, `record "${key.id}" is there, and should not`);
}

/** @throws `AssertionError` unless both are the same in every field */
export function assertSame(actual: StoredCredential | undefined, expected: StoredCredential | undefined): void {
  assert.deepEqual(comparable(actual), comparable(expected));
}

// A Buffer is bytes, too.
function comparable(record: StoredCredential | undefined): unknown {
  if (record === undefined) return undefined;
  const versions = [record.current, ...record.previous];
  for (const { envelope } of versions) assert.ok(envelope instanceof Uint8Array, 'an envelope is not a Uint8Array');
  const [current, ...previous] = versions.map((version) => ({
    ...version,
    envelope: new Uint8Array(version.envelope),
  }));
  return { ...record, current, previous };
}

/** All pages of a list. @throws `AssertionError` when a page is longer than asked, says falsely that there are more, or begins again */
export async function listAll(storage: CredentialStorage, query: StorageQuery): Promise<readonly StoredSummary[]> {
  const all: StoredSummary[] = [];
  let { after } = query;
  for (;;) {
    const page = await storage.list({ ...query, ...(after === undefined ? {} : { after }) }, callOptions());
    assert.ok(page.items.length <= query.limit, 'a page is longer than its limit');
    all.push(...page.items);
    const last = page.items.at(-1);
    if (!page.hasMore) return all;
    assert.ok(last !== undefined, 'a page without items says that there are more');
    assert.ok(after === undefined || comparePlaces(last.key, after) > 0, 'a page does not go on behind the one before');
    after = { scope: last.key.scope, id: last.key.id };
  }
}

/** Where the summaries are, as `scope id`. */
export function placesOf(summaries: readonly StoredSummary[]): readonly string[] {
  return summaries.map(({ key }) => `${key.scope} ${key.id}`);
}

/** @throws `AssertionError` unless the call rejects with this code */
export async function assertRefused(code: CredentialErrorCode, call: () => Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isCodedError(error, code), `${code} was expected`);
}
