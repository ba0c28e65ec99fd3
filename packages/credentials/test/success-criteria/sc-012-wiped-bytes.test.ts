import { Cipheriv, Decipheriv } from 'node:crypto';
import { codeOf } from '@tenon/core/testing';
import { apiKey, credentials, oauth2, type CredentialVault } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const MARKER = 'the-plaintext-of-this-credential';
const reference = { scope: 'org:acme', id: 'key' };

/** Every plaintext that went into the cipher or came out of it, in the memory in which it lay. */
let plaintexts: Uint8Array[];
/** What of it held the marker at the time. */
let held: number;

const keep = (bytes: unknown): void => {
  if (!(bytes instanceof Uint8Array)) return;
  plaintexts.push(bytes);
  if (Buffer.from(bytes).includes(MARKER)) held += 1;
};

beforeEach(() => {
  plaintexts = [];
  held = 0;
  const encrypt: unknown = Reflect.get(Cipheriv.prototype, 'update');
  const decrypt: unknown = Reflect.get(Decipheriv.prototype, 'update');
  vi.spyOn(Cipheriv.prototype, 'update').mockImplementation(function (this: Cipheriv, ...given: unknown[]) {
    keep(given[0]);
    return Reflect.apply(encrypt as () => never, this, given);
  });
  vi.spyOn(Decipheriv.prototype, 'update').mockImplementation(function (this: Decipheriv, ...given: unknown[]) {
    const bytes = Reflect.apply(decrypt as () => never, this, given);
    keep(bytes);
    return bytes;
  });
});
afterEach(() => void vi.restoreAllMocks());

/** What passed through the cipher since the last look: how many held the marker, and how many are still as they were. */
function passed(): { readonly held: number; readonly notWiped: number } {
  const notWiped = plaintexts.filter((bytes) => bytes.some((byte) => byte !== 0)).length;
  const seen = { held, notWiped };
  plaintexts = [];
  held = 0;
  return seen;
}

describe('the bytes of a secret, by the time that the operation which needed them has ended,', () => {
  const ring = KeyRing.generate({ id: 'first' });
  const open = (keys = ring, storage = memoryStorage()): CredentialVault =>
    credentials().storage(storage).keys(keys).tenant('main').cache({}).build();

  it('are wiped: storing', async () => {
    await open().store(reference, apiKey(MARKER));
    expect(passed()).toEqual({ held: 1, notWiped: 0 });
  });

  it('are wiped: reading, from the storage and from the cache', async () => {
    const vault = open();
    await vault.store(reference, apiKey(MARKER));
    expect(passed()).toEqual({ held: 1, notWiped: 0 });
    for (let read = 0; read < 3; read += 1) {
      expect((await vault.retrieve(reference))?.secret.reveal()).toBe(MARKER);
      expect(passed()).toEqual({ held: 1, notWiped: 0 });
    }
  });

  it('are wiped: batches', async () => {
    const vault = open();
    const references = Array.from({ length: 20 }, (_, at) => ({ ...reference, id: `key-${at}` }));
    await vault.storeMany(references.map((one) => ({ reference: one, material: apiKey(MARKER) })));
    expect(passed()).toEqual({ held: 20, notWiped: 0 });
    await vault.retrieveMany(references);
    expect(passed()).toEqual({ held: 20, notWiped: 0 });
  });

  it('are wiped: rotating, going back, sealing anew', async () => {
    const storage = memoryStorage();
    const vault = open(ring, storage);
    await vault.store(reference, apiKey(MARKER));
    await vault.rotate(reference, apiKey(`${MARKER}-2`));
    expect(passed()).toEqual({ held: 2, notWiped: 0 });
    await vault.rollBack(reference);
    // Opened, and sealed under its new number.
    expect(passed()).toEqual({ held: 2, notWiped: 0 });
    await open(ring.rotate({ id: 'second' }), storage).reseal();
    expect(passed()).toEqual({ held: 4, notWiped: 0 });
  });

  it('are wiped: refreshing', async () => {
    const vault = credentials()
      .storage(memoryStorage())
      .keys(ring)
      .tenant('main')
      .refresher({
        kind: 'oauth2',
        refresh: async () => ({ status: 'refreshed', material: oauth2({ accessToken: `${MARKER}-2` }) }),
      })
      .build();
    await vault.store(reference, oauth2({ accessToken: MARKER, refreshToken: `${MARKER}-r` }));
    await vault.refresh(reference);
    expect(passed()).toEqual({ held: 3, notWiped: 0 });
    await vault.close();
  });

  it('are wiped: what could be decrypted and is not authentic', async () => {
    const storage = memoryStorage();
    await open(ring, storage).store(reference, apiKey(MARKER));
    const key = { tenant: 'main', ...reference };
    const options = { signal: new AbortController().signal };
    const record = await storage.get(key, options);
    if (record === undefined) throw new Error('there is no record');
    const envelope = new Uint8Array(record.current.envelope);
    const last = envelope.length - 1;
    envelope[last] = (envelope[last] ?? 0) ^ 1;
    const changed = { ...record, revision: 2, current: { ...record.current, envelope } };
    await storage.put({ record: changed, expectedRevision: 1 }, options);
    expect(passed()).toEqual({ held: 1, notWiped: 0 });
    expect(await codeOf(open(ring, storage).retrieve(reference))).toBe('CREDENTIAL_UNREADABLE');
    expect(passed()).toEqual({ held: 1, notWiped: 0 });
  });
});
