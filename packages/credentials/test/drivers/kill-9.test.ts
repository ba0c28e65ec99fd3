import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiKey, credentials, type CredentialStorage, type CredentialVault } from '@tenon/credentials';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, numberIn } from '../processes/numbered-value.ts';
import { startProcess } from '../processes/start-process.ts';

const ring = KeyRing.generate({ id: 'first' });
const withSecond = ring.rotate({ id: 'second' });
// A line may be cut off by the kill.
const LINE = /^([a-d]) (\d+)$/;
const RECORDS = 300;
const ROUNDS = 3;

/** Where processes work, and how the one that starts next opens it. */
interface Target {
  readonly driver: 'file' | 'postgres';
  readonly address: string;
  readonly open: () => CredentialStorage;
}

/** Lets a process work, kills it at a moment that nobody planned, and gives what it last said to have stored. */
async function workAndDie(target: Target, operation: 'store' | 'rotate'): Promise<ReadonlyMap<string, number>> {
  const worker = startProcess(
    'change-without-end.ts',
    target.driver,
    target.address,
    ring.format().reveal(),
    operation,
  );
  const lines: (string | undefined)[] = [];
  const enough = 5 + Math.floor(Math.random() * 60);
  while (lines.length < enough) lines.push(await worker.nextLine());
  lines.push(...(await worker.kill9()));
  const stored = new Map<string, number>();
  for (const line of lines) {
    const [, id = '', number = ''] = LINE.exec(line ?? '') ?? [];
    if (id !== '') stored.set(id, Number(number));
  }
  return stored;
}

/** Looks, as a process that starts next would. */
async function looking<T>(target: Target, keys: KeyRing, look: (vault: CredentialVault) => Promise<T>): Promise<T> {
  const vault = credentials().storage(target.open()).keys(keys).tenant('main').defaultScope('org:acme').build();
  try {
    return await look(vault);
  } finally {
    await vault.close();
  }
}

/** What was stored and is not there as it should be, and of rotated ones, every earlier version that cannot be read. */
async function lostOf(vault: CredentialVault, stored: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const { items } = await vault.list();
  const lost: string[] = [];
  for (const id of CREDENTIALS) {
    const credential = await vault.retrieve({ id });
    const number = credential === undefined ? undefined : numberIn(credential.secret.reveal());
    const last = stored.get(id);
    // What it said, or the one after that, which it could not say any more.
    const isThere = last === undefined || number === last || number === last + 1;
    const info = items.find((item) => item.id === id);
    if (!isThere || (info !== undefined) !== (number !== undefined)) lost.push(`${id}: ${number}, not ${last}`);
    for (const { version } of info?.previous ?? []) {
      const earlier = await vault.retrieve({ id }, { version });
      // The first value is number 0, and each rotation adds one to both.
      if (numberIn(earlier?.secret.reveal() ?? '') !== version - 1) lost.push(`${id}: version ${version}`);
    }
  }
  return lost;
}

async function expectStoresToSurvive(target: Target): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const stored = await workAndDie(target, 'store');
    expect(await looking(target, ring, (vault) => lostOf(vault, stored))).toEqual([]);
  }
}

async function expectRotationsToSurvive(target: Target): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const stored = await workAndDie(target, 'rotate');
    await looking(target, ring, async (vault) => {
      expect(await lostOf(vault, stored)).toEqual([]);
      // There were earlier versions to look at, all that are kept of each.
      const { items } = await vault.list();
      for (const { version, previous } of items) {
        const kept = Array.from({ length: Math.min(5, version - 1) }, (_, at) => version - 1 - at);
        expect(previous.map((one) => one.version)).toEqual(kept);
      }
      expect(items.some(({ previous }) => previous.length > 0)).toBe(true);
    });
  }
}

const places = Array.from({ length: RECORDS }, (_, at) => ({ scope: 'org:acme/team:reseal', id: `key-${at}` }));
const valuesOf = async (vault: CredentialVault): Promise<readonly (string | undefined)[]> =>
  (await vault.retrieveMany(places)).orThrow().map((one) => one?.secret.reveal());

/** Under which keys everything is sealed. */
async function keyIdsOf(vault: CredentialVault): Promise<readonly string[]> {
  const ids = new Set<string>();
  for await (const { keyIds } of vault.listAll({ scope: 'org:acme' })) for (const id of keyIds) ids.add(id);
  return [...ids].toSorted();
}

async function expectResealToSurvive(target: Target): Promise<void> {
  const values = places.map(({ id }) => `value of ${id}`);
  await looking(target, ring, async (vault) => {
    await vault.storeMany(places.map((reference, at) => ({ reference, material: apiKey(values[at] ?? '') })));
  });
  const foundInTheMiddle: boolean[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const worker = startProcess('reseal-without-end.ts', target.driver, target.address, withSecond.format().reveal());
    // The first batch is done, or the second, or that of the way back; the next one is under way.
    for (let lines = 0; lines <= round; lines += 1) await worker.nextLine();
    await worker.kill9();
    await looking(target, withSecond, async (vault) => {
      expect(await valuesOf(vault)).toEqual(values);
      foundInTheMiddle.push((await keyIdsOf(vault)).length === 2);
    });
  }
  expect(foundInTheMiddle).toContain(true);
  await looking(target, withSecond, async (vault) => {
    expect(await vault.reseal()).toMatchObject({ unreadableCount: 0, isStopped: false });
    expect(await keyIdsOf(vault)).toEqual(['second']);
    expect(await vault.reseal()).toMatchObject({ resealed: 0, total: 0 });
  });
  // The older key can leave.
  const secondAlone = KeyRing.parse(withSecond.format().reveal().split(',')[0] ?? '');
  expect(await looking(target, secondAlone, valuesOf)).toEqual(values);
}

describe('a process that is killed with SIGKILL, with credentials in files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-credentials-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inFolder = (name: string): Target => {
    const directory = join(folder, name);
    return { driver: 'file', address: directory, open: () => fileStorage({ directory }) };
  };

  it('while it stores leaves the old or the new value of each, whole, and every one that it said to have stored', async () => {
    await expectStoresToSurvive(inFolder('store'));
    // What was cut off has been taken away by the next one that opened the folder.
    const files = readdirSync(join(folder, 'store'));
    expect(files.filter((name) => !name.startsWith('.')).length).toBeLessThanOrEqual(CREDENTIALS.length);
    expect(files.filter((name) => name.startsWith('.writing'))).toEqual([]);
  });

  it('while it rotates leaves the old or the new version of each, and those before that are in their grace', () =>
    expectRotationsToSurvive(inFolder('rotate')));

  it('while it seals anew leaves everything to be opened, and the next run ends it', () =>
    expectResealToSurvive(inFolder('reseal')));
});

describe.skipIf(process.env['TENON_TEST_POSTGRES_URL'] === undefined)(
  'a process that is killed with SIGKILL, with credentials in PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    let test: TestDatabase;
    let target: Target;
    beforeAll(async () => {
      test = await openTestDatabase('postgres', [credentialMigrations()]);
      target = { driver: 'postgres', address: test.url ?? '', open: () => postgresStorage(test.database) };
    });
    afterAll(() => test.drop());

    it('while it stores leaves the old or the new value of each, whole, and every one that it said to have stored', () =>
      expectStoresToSurvive(target));

    it('while it rotates leaves the old or the new version of each, and those before that are in their grace', async () => {
      await looking(target, ring, async (vault) => {
        await vault.deleteMany(CREDENTIALS.map((id) => ({ id })));
      });
      await expectRotationsToSurvive(target);
    });

    it('while it seals anew leaves everything to be opened, and the next run ends it', () =>
      expectResealToSurvive(target));
  },
);
