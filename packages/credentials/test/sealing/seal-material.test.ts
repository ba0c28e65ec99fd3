import { inspect } from 'node:util';
import { failureOf } from '@tenon/core/testing';
import {
  apiKey,
  bearer,
  defineKind,
  type CredentialKey,
  type CredentialStorage,
  type StoredCredential,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing, open as openEnvelope, seal } from '@tenon/crypto';
import { Type } from 'typebox';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from '../vault/support/open-vault.ts';
import { spyStorage } from '../vault/support/spied-storage.ts';

const MARKER = 'marker-of-the-plaintext-7f3a';
const signal = new AbortController().signal;

let inner: CredentialStorage;
let ring: KeyRing;
let open: OpenVault;

beforeEach(() => {
  inner = memoryStorage();
  ring = KeyRing.generate({ id: 'first' });
  open = openVault({ storage: spyStorage({ inner }), ring, tenant: 'main' });
});

const key: CredentialKey = { tenant: 'main', scope: 'org:acme', id: 'key' };

/** What the envelopes of this key are bound to: a format that stored records depend on. */
const boundTo = (version: number): string => `tenon-credential-1|main|org:acme|key|api-key|${version}`;

async function recordOf(which: CredentialKey = key): Promise<StoredCredential> {
  const record = await inner.get(which, { signal });
  if (record === undefined) throw new Error('there is no such record');
  return record;
}

/** Writes a record as somebody with access to the storage could. */
async function overwrite(record: StoredCredential): Promise<void> {
  const { revision = 0 } = (await inner.get(record.key, { signal })) ?? {};
  const written = await inner.put(
    { record: { ...record, revision: revision + 1 }, expectedRevision: revision },
    { signal },
  );
  expect(written).toBe(true);
}

describe('an envelope', () => {
  it('of which any byte is flipped does not open', async () => {
    await open.vault.store(key, apiKey(MARKER));
    const record = await recordOf();
    const { length } = record.current.envelope;
    expect(length).toBeGreaterThan(MARKER.length);
    for (let index = 0; index < length; index += 1) {
      for (const bit of [0x01, 0x80]) {
        const envelope = Uint8Array.from(record.current.envelope);
        envelope[index] = (envelope[index] as number) ^ bit;
        await overwrite({ ...record, current: { ...record.current, envelope } });
        const failure = await failureOf(open.vault.retrieve(key));
        expect(failure).toMatchObject({ code: 'CREDENTIAL_UNREADABLE', details: { id: 'key', scope: 'org:acme' } });
      }
    }
    await overwrite(record);
    expect((await open.vault.retrieve(key))?.secret.reveal()).toBe(MARKER);
  });

  it.each([0, 1, 2, 17, 40])('cut to %d bytes, or with one more at its end, does not open', async (length) => {
    await open.vault.store(key, apiKey(MARKER));
    const record = await recordOf();
    const { envelope } = record.current;
    for (const changed of [envelope.slice(0, length), Uint8Array.from([...envelope, 0])]) {
      await overwrite({ ...record, current: { ...record.current, envelope: changed } });
      expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
    }
  });

  it('in the place of one of another id, scope or tenant does not open', async () => {
    const others: readonly CredentialKey[] = [
      { ...key, id: 'other' },
      { ...key, scope: 'org:other' },
      { ...key, scope: 'org:acme/team:eng' },
      { ...key, tenant: 'other' },
    ];
    await open.vault.store(key, apiKey('mine'));
    const record = await recordOf();
    for (const other of others) {
      const theirs = openVault({ storage: spyStorage({ inner }), ring, tenant: other.tenant }).vault;
      await theirs.store(other, apiKey(`of ${other.tenant} ${other.scope} ${other.id}`));
      const foreign = await recordOf(other);
      await overwrite({ ...record, current: foreign.current });
      await overwrite({ ...foreign, current: record.current });
      expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
      expect((await failureOf(theirs.retrieve(other))).code).toBe('CREDENTIAL_UNREADABLE');
      expect((await failureOf(theirs.rollBack(other))).code).toBe('CREDENTIAL_VERSION_CONFLICT');
    }
    await overwrite(record);
    expect((await open.vault.retrieve(key))?.secret.reveal()).toBe('mine');
  });

  it('under another kind or another version does not open', async () => {
    await open.vault.store(key, apiKey('first'));
    const first = await recordOf();
    await open.vault.store(key, apiKey('second'));
    const second = await recordOf();
    await overwrite({ ...second, kind: bearer.definition.name });
    expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
    await overwrite({ ...second, current: { ...second.current, envelope: first.current.envelope } });
    expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
    await overwrite({ ...second, current: { ...second.current, version: 3 } });
    expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
    await overwrite(second);
    expect((await open.vault.retrieve(key))?.secret.reveal()).toBe('second');
  });

  it('of an earlier version does not open as the current one, nor the other way round', async () => {
    await open.vault.store(key, apiKey('old'));
    await open.vault.rotate(key, apiKey('new'));
    const record = await recordOf();
    const [old] = record.previous;
    if (old === undefined) throw new Error('there is no earlier version');
    await overwrite({
      ...record,
      current: { ...record.current, envelope: old.envelope },
      previous: [{ ...old, envelope: record.current.envelope }],
    });
    expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
    expect((await failureOf(open.vault.retrieve(key, { version: 1 }))).code).toBe('CREDENTIAL_UNREADABLE');
    expect((await failureOf(open.vault.rollBack(key))).code).toBe('CREDENTIAL_UNREADABLE');
    await overwrite(record);
    expect((await open.vault.retrieve(key, { version: 1 }))?.secret.reveal()).toBe('old');
  });

  it('that the same keys sealed for another purpose does not open', async () => {
    await open.vault.store(key, apiKey('x'));
    const record = await recordOf();
    const associatedData = boundTo(1);
    const bytes = Buffer.from('{"key":"planted"}');
    await overwrite({ ...record, current: { ...record.current, envelope: seal(ring, bytes, { associatedData }) } });
    expect((await failureOf(open.vault.retrieve(key))).code).toBe('CREDENTIAL_UNREADABLE');
    // With the purpose and the binding of the vault it would: the test plants what it means to.
    const planted = seal(ring.subring('credentials'), bytes, { associatedData });
    await overwrite({ ...record, current: { ...record.current, envelope: planted } });
    expect((await open.vault.retrieve(key))?.secret.reveal()).toBe('planted');
  });

  it('holds the material as JSON, bound to tenant, scope, id, kind and version', async () => {
    await open.vault.store(key, apiKey('x'));
    await open.vault.store(key, apiKey('y'));
    const { envelope } = (await recordOf()).current;
    const associatedData = boundTo(2);
    const plain = openEnvelope(ring.subring('credentials'), envelope, { associatedData });
    expect(Buffer.from(plain).toString()).toBe('{"key":"y"}');
  });

  it('is another one each time, for the same material too', async () => {
    await open.vault.store(key, apiKey('same'));
    const first = await recordOf();
    await open.vault.delete(key);
    await open.vault.store(key, apiKey('same'));
    const second = await recordOf();
    expect(second.current.version).toBe(first.current.version);
    expect(Buffer.from(second.current.envelope).equals(Buffer.from(first.current.envelope))).toBe(false);
  });
});

describe('a record', () => {
  it('that the storage gives in the place of another is refused as corrupt', async () => {
    await open.vault.store(key, apiKey('mine'));
    for (const other of [
      { ...key, id: 'other' },
      { ...key, scope: 'org:other' },
      { ...key, tenant: 'other' },
    ]) {
      const record = await recordOf();
      for (const hasBatches of [false, true]) {
        const storage = spyStorage({ inner, hasBatches });
        Object.assign(storage, { get: async () => record });
        Object.assign(storage.batch ?? {}, { get: async () => [record] });
        const { vault } = openVault({ storage, ring, tenant: other.tenant });
        const failure = await failureOf(vault.retrieve(other));
        expect(failure).toMatchObject({
          code: 'CREDENTIAL_STORAGE_CORRUPT',
          details: { id: other.id, scope: other.scope },
        });
        const { items } = await vault.retrieveMany([other]);
        expect(items).toMatchObject([{ ok: false, error: { code: 'CREDENTIAL_STORAGE_CORRUPT' } }]);
      }
    }
  });

  it('whose content does not have the form of its kind is unreadable, and says so without showing it', async () => {
    const wide = defineKind({
      name: 'own',
      schema: Type.Object({ secret: Type.String() }),
      from: (secret: string) => ({ secret }),
      secret: ({ secret }) => secret,
      value: () => ({}),
    });
    const narrow = defineKind({
      name: 'own',
      schema: Type.Object({ secret: Type.String({ maxLength: 3 }) }),
      from: (secret: string) => ({ secret }),
      secret: ({ secret }) => secret,
      value: () => ({}),
    });
    await openVault({ storage: open.storage, ring, build: (builder) => builder.kind(wide) }).vault.store(
      key,
      wide(MARKER),
    );
    const { vault } = openVault({ storage: open.storage, ring, build: (builder) => builder.kind(narrow) });
    const failure = await failureOf(vault.retrieve(key));
    expect(failure.code).toBe('CREDENTIAL_UNREADABLE');
    expect(failure.message).toContain('does not have the form of the kind "own"');
    expect(inspect(failure, { depth: 9 })).not.toContain(MARKER);
  });

  it('in whose envelope there is no JSON is unreadable, and says so without quoting it', async () => {
    await open.vault.store(key, apiKey('x'));
    const record = await recordOf();
    const associatedData = boundTo(1);
    const envelope = seal(ring.subring('credentials'), Buffer.from(MARKER), { associatedData });
    await overwrite({ ...record, current: { ...record.current, envelope } });
    const failure = await failureOf(open.vault.retrieve(key));
    expect(failure.code).toBe('CREDENTIAL_UNREADABLE');
    expect(inspect(failure, { depth: 9 })).not.toContain(MARKER.slice(0, 6));
  });
});

describe('a ring', () => {
  it('with a second key in front opens everything that was sealed before, and seals with the new one', async () => {
    const references = ['a', 'b', 'c'].map((id) => ({ scope: 'org:acme', id }));
    for (const reference of references) await open.vault.store(reference, apiKey(`value ${reference.id}`));
    const { vault } = openVault({ storage: open.storage, ring: ring.rotate({ id: 'second' }) });
    for (const reference of references) {
      expect((await vault.retrieve(reference))?.secret.reveal()).toBe(`value ${reference.id}`);
      expect((await vault.inspect(reference))?.keyIds).toEqual(['first']);
    }
    await vault.store({ scope: 'org:acme', id: 'a' }, apiKey('new'));
    expect((await vault.inspect({ scope: 'org:acme', id: 'a' }))?.keyIds).toEqual(['second']);
  });

  it('without the key says which one is missing', async () => {
    await open.vault.store(key, apiKey(MARKER));
    const { vault, log, audited } = openVault({ storage: open.storage, ring: KeyRing.generate({ id: 'another' }) });
    const failure = await failureOf(vault.retrieve(key));
    expect(failure).toMatchObject({
      code: 'CREDENTIAL_UNREADABLE',
      retryable: false,
      details: { id: 'key', scope: 'org:acme', keyId: 'first' },
    });
    expect(failure.message).toContain('"first"');
    expect(audited.at(-1)).toMatchObject({ action: 'read', outcome: 'unreadable', credentialId: 'key', version: 1 });
    expect(log).toContainEqual({
      level: 'error',
      fields: expect.objectContaining({ securityEvent: 'credential.unreadable', credentialId: 'key' }) as object,
      message: 'a credential could not be opened',
    });
  });

  it('with another key under the same id does not open', async () => {
    await open.vault.store(key, apiKey(MARKER));
    const { vault } = openVault({ storage: open.storage, ring: KeyRing.generate({ id: 'first' }) });
    expect((await failureOf(vault.retrieve(key))).details).toEqual({ id: 'key', scope: 'org:acme' });
  });
});

describe('what the storage is given', () => {
  it('holds the plaintext in no form: UTF-8, base64, hex or UTF-16', async () => {
    const written: unknown[] = [];
    const watched: CredentialStorage = {
      ...inner,
      put: (change, options) => {
        written.push(structuredClone(change));
        return inner.put(change, options);
      },
      list: (query, options) => {
        written.push(structuredClone(query));
        return inner.list(query, options);
      },
    };
    const { vault } = openVault({ storage: spyStorage({ inner: watched, hasBatches: true }), ring });
    await vault.store(key, apiKey(MARKER), { tags: { env: 'prod' }, description: 'visible' });
    await vault.storeMany([{ reference: { ...key, id: 'batch' }, material: bearer(`${MARKER}2`) }]);
    await vault.rotate(key, apiKey(`${MARKER}3`));
    await vault.rollBack(key);
    await vault.list({ scope: 'org:acme' });
    await vault.retrieve(key);
    written.push(await inner.list({ tenant: 'main', limit: 10 }, { signal }), await recordOf());

    const bytes = Buffer.concat(written.map(toBytes));
    expect(bytes.includes('visible')).toBe(true);
    const utf8 = Buffer.from(MARKER);
    // Base64 of a text has three forms, by where it begins; a middle part of each is the same whatever is around it.
    const inBase64 = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), utf8])
        .toString('base64')
        .slice(4, -4),
    );
    for (const form of [MARKER, utf8.toString('hex'), ...inBase64]) {
      expect(bytes.includes(form)).toBe(false);
    }
    expect(bytes.includes(Buffer.from(MARKER, 'utf16le'))).toBe(false);
  });
});

/** Everything in a value: its bytes as they are, and all the rest as text. */
function toBytes(value: unknown): Buffer {
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value);
    return Buffer.concat([bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('base64'))]);
  }
  if (typeof value !== 'object' || value === null) return Buffer.from(`${String(value)}\n`);
  return Buffer.concat(Object.entries(value).flatMap(([name, part]) => [Buffer.from(`${name}\n`), toBytes(part)]));
}
