import { keyText, type CredentialStorage, type StorageQuery, type StoredCredential } from '@tenon/credentials';
import { sampleRecord, sampleVersion } from '@tenon/credentials/testing';
import fc from 'fast-check';
import { expect } from 'vitest';

type Operation =
  | { readonly kind: 'get' | 'delete'; readonly record: StoredCredential }
  | { readonly kind: 'put'; readonly record: StoredCredential; readonly expectedRevision: number }
  | { readonly kind: 'list'; readonly query: StorageQuery };

// Few of each, so that operations meet.
const tenant = fc.constantFrom('a', 'A');
const scope = fc.constantFrom('o:a', 'o:a/t:b', 'o:a-b', 'o:A', 'o:a/t:b/s:c', 'o:a0');
const id = fc.constantFrom('x', 'X', 'x-y', '__proto__');
const kind = fc.constantFrom('basic', 'bearer');
const keyId = fc.constantFrom('old', 'new');
const tags = fc.constantFrom<Readonly<Record<string, string>>[]>(
  {},
  { env: 'prod' },
  { env: 'test' },
  { env: 'prod', constructor: 'x' },
);
const moment = fc.constantFrom(1_000, 2_000, 3_000);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const version = fc
  .record({
    envelope: fc.uint8Array({ maxLength: 40 }),
    keyId,
    expiresAt: optional(moment),
    graceUntil: optional(moment),
  })
  .map((fields) => sampleVersion(given(fields) as Partial<StoredCredential['current']>));

const records: fc.Arbitrary<StoredCredential> = fc
  .record({
    tenant,
    scope,
    id,
    kind,
    tags,
    current: version,
    previous: fc.array(version, { maxLength: 2 }),
    createdAt: moment,
    description: optional(fc.string({ unit: 'grapheme', maxLength: 5 }).filter((text) => !text.includes('\0'))),
    rotatedAt: optional(moment),
  })
  .map((fields) => sampleRecord(given(fields) as Parameters<typeof sampleRecord>[0]));

const queries: fc.Arbitrary<StorageQuery> = fc
  .record({
    tenant,
    within: optional(scope),
    tags: optional(tags),
    kind: optional(kind),
    createdFrom: optional(moment),
    createdTo: optional(moment),
    expiresBefore: optional(moment),
    notSealedWith: optional(keyId),
    after: optional(fc.record({ scope, id })),
    limit: fc.integer({ min: 1, max: 4 }),
  })
  .map((fields) => given(fields) as StorageQuery);

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('get' as const, 'delete' as const), record: records }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        record: records,
        expectedRevision: fc.constantFrom(0, 0, 1, 2),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), query: queries }) },
  ),
  { minLength: 5, maxLength: 40 },
);

/** The contract over a plain Map, as simply as it can be said. */
class Model {
  readonly #records = new Map<string, StoredCredential>();

  apply(operation: Operation): unknown {
    switch (operation.kind) {
      case 'get':
        return this.#records.get(keyText(operation.record.key));
      case 'delete':
        return this.#records.delete(keyText(operation.record.key));
      case 'put': {
        const { record: next, expectedRevision } = operation;
        const text = keyText(next.key);
        if ((this.#records.get(text)?.revision ?? 0) !== expectedRevision) return false;
        this.#records.set(text, { ...next, revision: expectedRevision + 1 });
        return true;
      }
      case 'list':
        return this.#list(operation.query);
      default:
        return operation satisfies never;
    }
  }

  #list({ after, limit, ...wanted }: StorageQuery): unknown {
    const order = (place: { readonly scope: string; readonly id: string }): Buffer =>
      Buffer.from(`${place.scope}\0${place.id}`, 'latin1');
    const all = [...this.#records.values()]
      .filter((one) => fits(one, wanted))
      .toSorted((left, right) => Buffer.compare(order(left.key), order(right.key)))
      .filter((one) => after === undefined || Buffer.compare(order(one.key), order(after)) > 0);
    return { keys: all.slice(0, limit).map((one) => keyText(one.key)), hasMore: all.length > limit };
  }
}

function fits(record: StoredCredential, wanted: Omit<StorageQuery, 'after' | 'limit'>): boolean {
  const { key, current, previous } = record;
  const { within, kind: wantedKind, createdFrom, createdTo, expiresBefore, notSealedWith } = wanted;
  return [
    key.tenant === wanted.tenant,
    within === undefined || key.scope === within || key.scope.startsWith(`${within}/`),
    wantedKind === undefined || record.kind === wantedKind,
    createdFrom === undefined || record.createdAt >= createdFrom,
    createdTo === undefined || record.createdAt <= createdTo,
    expiresBefore === undefined || (current.expiresAt !== undefined && current.expiresAt < expiresBefore),
    notSealedWith === undefined || [current, ...previous].some((one) => one.keyId !== notSealedWith),
    Object.entries(wanted.tags ?? {}).every(
      ([name, value]) => Object.hasOwn(record.tags, name) && record.tags[name] === value,
    ),
  ].every(Boolean);
}

async function perform(storage: CredentialStorage, operation: Operation): Promise<unknown> {
  const options = { signal: new AbortController().signal };
  switch (operation.kind) {
    case 'get':
      return storage.get(operation.record.key, options);
    case 'delete':
      return storage.delete(operation.record.key, options);
    case 'put': {
      const { record: next, expectedRevision } = operation;
      return storage.put({ record: { ...next, revision: expectedRevision + 1 }, expectedRevision }, options);
    }
    case 'list': {
      const { items, hasMore } = await storage.list(operation.query, options);
      return { keys: items.map(({ key }) => keyText(key)), hasMore };
    }
    default:
      return operation satisfies never;
  }
}

/** Runs random operations on a storage and on a model of it. Rejects when an answer differs. */
export async function compareWithModel(
  open: () => CredentialStorage | Promise<CredentialStorage>,
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(operations, async (steps) => {
      const storage = await open();
      const model = new Model();
      try {
        for (const step of steps) expect(await perform(storage, step)).toEqual(model.apply(step));
      } finally {
        await storage.close();
      }
    }),
    { numRuns },
  );
}
