import { createTestClock } from '@tenon/core/testing';
import {
  apiKey,
  credentials,
  type CredentialStorage,
  type CredentialVault,
  type ResealProgress,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { beforeEach, describe, expect, it } from 'vitest';

const SCOPES = ['org:acme', 'org:acme/team:eng', 'org:other'];
const COUNT = 250;

describe('sealing everything anew', () => {
  const old = KeyRing.generate({ id: 'old' });
  const rotated = old.rotate({ id: 'new' });
  const places = Array.from({ length: COUNT }, (_, n) => ({ scope: SCOPES[n % SCOPES.length] ?? '', id: `key-${n}` }));
  let storage: CredentialStorage;

  const open = (ring: KeyRing): CredentialVault =>
    credentials().storage(storage).keys(ring).tenant('main').clock(createTestClock()).build();
  const keyIds = async (vault: CredentialVault): Promise<readonly string[]> => {
    const ids = new Set<string>();
    for await (const info of vault.asAdministrator('a test looks').listAll()) for (const id of info.keyIds) ids.add(id);
    return [...ids].toSorted();
  };

  beforeEach(async () => {
    storage = memoryStorage();
    const vault = open(old);
    const entries = places.map((reference) => ({ reference, material: apiKey(`secret of ${reference.id}`) }));
    (await vault.storeMany(entries)).orThrow();
    await vault.rotate(places[0] ?? { id: '' }, apiKey('second'), { graceMs: 1_000_000 });
  });

  it('reads everything with a second key in front, and moves all versions to it', async () => {
    const vault = open(rotated);
    const read = await vault.retrieveMany(places);
    expect(read.orThrow().map((one) => one?.id)).toEqual(places.map(({ id }) => id));
    const seen: ResealProgress[] = [];
    const report = await vault.reseal({ onProgress: (progress) => void seen.push(progress) });
    expect(report).toEqual({
      resealed: COUNT,
      total: COUNT,
      unreadable: [],
      unreadableCount: 0,
      keyId: 'new',
      isStopped: false,
    });
    expect(seen.map(({ resealed }) => resealed)).toEqual([50, 100, 150, 200, 250]);
    expect(await keyIds(vault)).toEqual(['new']);

    const alone = open(KeyRing.parse(rotated.format().reveal().split(',')[0] ?? ''));
    expect((await alone.retrieve(places[7] ?? { id: '' }))?.secret.reveal()).toBe('secret of key-7');
    expect((await alone.retrieve(places[0] ?? { id: '' }))?.secret.reveal()).toBe('second');
    expect((await alone.retrieve(places[0] ?? { id: '' }, { version: 1 }))?.secret.reveal()).toBe('secret of key-0');
  });

  it('changes neither versions nor dates, and has nothing to do the second time', async () => {
    const vault = open(rotated);
    const before = await vault.inspect(places[3] ?? { id: '' });
    await vault.reseal();
    expect(await vault.inspect(places[3] ?? { id: '' })).toEqual({ ...before, keyIds: ['new'] });
    expect(await vault.reseal()).toMatchObject({ resealed: 0, total: 0 });
  });

  it('goes on where it was stopped', async () => {
    const vault = open(rotated);
    const stop = new AbortController();
    const first = await vault.reseal({ signal: stop.signal, onProgress: () => stop.abort() });
    expect(first).toMatchObject({ resealed: 50, total: COUNT, isStopped: true });
    expect(await keyIds(vault)).toEqual(['new', 'old']);
    expect(await vault.reseal()).toMatchObject({ resealed: 200, total: 200, isStopped: false });
  });

  it('loses no write that happens meanwhile, whoever is first', async () => {
    const vault = open(rotated);
    const writer = open(rotated);
    let round = 0;
    const writing = async (): Promise<void> => {
      for (const reference of places) await writer.store(reference, apiKey(`written ${(round += 1)} ${reference.id}`));
    };
    await Promise.all([vault.reseal(), writing(), vault.reseal()]);
    for (const [index, reference] of places.entries()) {
      expect((await vault.retrieve(reference))?.secret.reveal()).toBe(`written ${index + 1} ${reference.id}`);
    }
    expect(await keyIds(vault)).toEqual(['new']);
  });

  it('names what it cannot open, and seals the rest', async () => {
    const stranger = credentials()
      .storage(storage)
      .keys(KeyRing.generate({ id: 'lost' }))
      .tenant('main')
      .build();
    await stranger.store({ scope: 'org:acme', id: 'unknown' }, apiKey('x'));
    const report = await open(rotated).reseal();
    expect(report).toMatchObject({
      resealed: COUNT,
      unreadableCount: 1,
      unreadable: [{ scope: 'org:acme', id: 'unknown' }],
    });
  });

  it('leaves other tenants alone', async () => {
    const other = credentials().storage(storage).keys(old).tenant('other').build();
    await other.store({ scope: 'org:acme', id: 'theirs' }, apiKey('x'));
    await open(rotated).reseal();
    expect((await other.inspect({ scope: 'org:acme', id: 'theirs' }))?.keyIds).toEqual(['old']);
  });
});
