import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  apiKey,
  credentials,
  type CredentialInfo,
  type CredentialStorage,
  type CredentialVault,
} from '@tenon/credentials';
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

/**
 * What was stored and is not there as it should be, and of rotated ones, every earlier version that cannot be read. A server may still be
 * ending the one statement that the dead process had sent: then the look is taken again.
 */
async function lostOf(vault: CredentialVault, stored: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const before = (await vault.list()).items;
  const lost: string[] = [];
  for (const id of CREDENTIALS) {
    const info = before.find((item) => item.id === id);
    lost.push(...(await lostOfOne(vault, id, info, stored.get(id))));
  }
  const hasChanged = JSON.stringify((await vault.list()).items) !== JSON.stringify(before);
  return hasChanged ? lostOf(vault, stored) : lost;
}

async function lostOfOne(
  vault: CredentialVault,
  id: string,
  info: CredentialInfo | undefined,
  last: number | undefined,
): Promise<readonly string[]> {
  const read = async (version?: number): Promise<number | undefined> => {
    const found = await vault.retrieve({ id }, version === undefined ? {} : { version });
    return found === undefined ? undefined : numberIn(found.secret.reveal());
  };
  const lost: string[] = [];
  const number = await read();
  // What it said, or the one after that, which it could not say any more.
  const isThere = last === undefined || number === last || number === last + 1;
  if (!isThere || (info === undefined) !== (number === undefined)) lost.push(`${id}: ${number}, not ${last}`);
  for (const { version } of info?.previous ?? []) {
    // The first value is number 0, and each rotation adds one to both.
    if ((await read(version)) !== version - 1) lost.push(`${id}: version ${version}`);
  }
  return lost;
}

/** What is lost of credentials in whose middle a process was killed again and again. */
async function lostByStores(target: Target): Promise<readonly string[]> {
  const lost: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const stored = await workAndDie(target, 'store');
    lost.push(...(await looking(target, ring, (vault) => lostOf(vault, stored))));
  }
  return lost;
}

async function lostByRotations(target: Target): Promise<readonly string[]> {
  const lost: string[] = [];
  let earlierVersions = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const stored = await workAndDie(target, 'rotate');
    await looking(target, ring, async (vault) => {
      lost.push(...(await lostOf(vault, stored)));
      for (const { id, version, previous } of (await vault.list()).items) {
        // All that are kept of each, without a gap.
        const kept = Array.from({ length: Math.min(5, version - 1) }, (_, at) => version - 1 - at);
        const there = previous.map((one) => one.version);
        if (there.join() !== kept.join()) lost.push(`${id}: versions ${there.join()}, not ${kept.join()}`);
        earlierVersions += there.length;
      }
    });
  }
  return earlierVersions > 0 ? lost : ['nothing was rotated'];
}

const places = Array.from({ length: RECORDS }, (_, at) => ({ scope: 'org:acme/team:reseal', id: `key-${at}` }));
const valueOf = (id: string): string => `value of ${id}`;

/** The credentials of which the value is not there. */
async function lostValues(vault: CredentialVault): Promise<readonly object[]> {
  const { items } = await vault.retrieveMany(places);
  return items.filter((item) => !item.ok || item.value?.secret.reveal() !== valueOf(item.reference.id));
}

/** Under which keys everything is sealed. */
async function keyIdsOf(vault: CredentialVault): Promise<readonly string[]> {
  const ids = new Set<string>();
  for await (const { keyIds } of vault.listAll({ scope: 'org:acme' })) for (const id of keyIds) ids.add(id);
  return [...ids].toSorted();
}

/** Kills a process that seals anew. @returns whether that was found half done, and what was lost of it */
async function killReseals(target: Target): Promise<{ readonly isHalfDone: boolean; readonly lost: object[] }> {
  const lost: object[] = [];
  let isHalfDone = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    const worker = startProcess('reseal-without-end.ts', target.driver, target.address, withSecond.format().reveal());
    // The first batch is done, or the second, or all of them and the first of the way back; the next one is under way.
    for (let lines = 0; lines <= round; lines += 1) await worker.nextLine();
    await worker.kill9();
    await looking(target, withSecond, async (vault) => {
      lost.push(...(await lostValues(vault)));
      isHalfDone ||= (await keyIdsOf(vault)).length === 2;
    });
  }
  return { isHalfDone, lost };
}

/** Fills in, kills those that seal anew, and gives what came of it and of the run that ends it. */
async function resealAfterKills(target: Target): Promise<object> {
  await looking(target, ring, async (vault) => {
    await vault.storeMany(places.map((reference) => ({ reference, material: apiKey(valueOf(reference.id)) })));
  });
  const killed = await killReseals(target);
  return looking(target, withSecond, async (vault) => {
    const { unreadableCount } = await vault.reseal();
    const { total: totalAfter } = await vault.reseal();
    const keyIds = await keyIdsOf(vault);
    // The older key can leave.
    const secondAlone = KeyRing.parse(withSecond.format().reveal().split(',')[0] ?? '');
    await vault.close();
    const lostWithSecondAlone = await looking(target, secondAlone, lostValues);
    return { ...killed, unreadableCount, totalAfter, keyIds, lostWithSecondAlone };
  });
}

const ALL_WELL = {
  isHalfDone: true,
  lost: [],
  unreadableCount: 0,
  totalAfter: 0,
  keyIds: ['second'],
  lostWithSecondAlone: [],
};

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
    expect(await lostByStores(inFolder('store'))).toEqual([]);
    // What was cut off has been taken away by the next one that opened the folder.
    const files = readdirSync(join(folder, 'store'));
    expect(files.filter((name) => !name.startsWith('.')).length).toBeLessThanOrEqual(CREDENTIALS.length);
    expect(files.filter((name) => name.startsWith('.writing'))).toEqual([]);
  });

  it('while it rotates leaves the old or the new version of each, and those before that are in their grace', async () => {
    expect(await lostByRotations(inFolder('rotate'))).toEqual([]);
  });

  it('while it seals anew leaves everything to be opened, and the next run ends it', async () => {
    expect(await resealAfterKills(inFolder('reseal'))).toEqual(ALL_WELL);
  });
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

    it('while it stores leaves the old or the new value of each, whole, and every one that it said to have stored', async () => {
      expect(await lostByStores(target)).toEqual([]);
    });

    it('while it rotates leaves the old or the new version of each, and those before that are in their grace', async () => {
      await looking(target, ring, async (vault) => {
        await vault.deleteMany(CREDENTIALS.map((id) => ({ id })));
      });
      expect(await lostByRotations(target)).toEqual([]);
    });

    it('while it seals anew leaves everything to be opened, and the next run ends it', async () => {
      expect(await resealAfterKills(target)).toEqual(ALL_WELL);
    });
  },
);
