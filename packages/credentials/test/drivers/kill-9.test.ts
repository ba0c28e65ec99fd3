import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, type CredentialStorage } from '@tenon/credentials';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, numberIn } from '../processes/numbered-value.ts';
import { startProcess } from '../processes/start-process.ts';

const ring = KeyRing.generate();
// A line may be cut off by the kill.
const LINE = /^([a-d]) (\d+)$/;

/** Lets a process work, kills it at a moment that nobody planned, and gives what it last said to have stored. */
async function workAndDie(driver: string, target: string): Promise<ReadonlyMap<string, number>> {
  const worker = startProcess('store-without-end.ts', driver, target, ring.format().reveal());
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

/** Looks, as a process that starts next would. @returns what was stored and is not there as it should be */
async function lostOf(storage: CredentialStorage, stored: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const vault = credentials().storage(storage).keys(ring).tenant('main').defaultScope('org:acme').build();
  try {
    const { items } = await vault.list();
    const listed = items.map((item) => item.id);
    const lost: string[] = [];
    for (const id of CREDENTIALS) {
      const credential = await vault.retrieve({ id });
      const number = credential === undefined ? undefined : numberIn(credential.secret.reveal());
      const last = stored.get(id);
      // What it said, or the one after that, which it could not say any more.
      const isThere = last === undefined || number === last || number === last + 1;
      if (!isThere || listed.includes(id) !== (number !== undefined)) lost.push(`${id}: ${number}, not ${last}`);
    }
    return lost;
  } finally {
    await vault.close();
  }
}

describe('a process that is killed with SIGKILL while it stores credentials in files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-credentials-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('leaves the old or the new value of each, whole, and every one that it said to have stored', async () => {
    const directory = join(folder, 'store');
    for (let round = 0; round < 5; round += 1) {
      const stored = await workAndDie('file', directory);
      expect(await lostOf(fileStorage({ directory }), stored)).toEqual([]);
      // What was cut off has been taken away by the next one that opened the folder.
      const files = readdirSync(directory).filter((name) => !name.startsWith('.'));
      expect(files.length).toBeLessThanOrEqual(CREDENTIALS.length);
      expect(readdirSync(directory).filter((name) => name.startsWith('.writing'))).toEqual([]);
    }
  });
});

describe.skipIf(process.env['TENON_TEST_POSTGRES_URL'] === undefined)(
  'a process that is killed with SIGKILL while it stores credentials in PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    let test: TestDatabase;
    beforeAll(async () => {
      test = await openTestDatabase('postgres', [credentialMigrations()]);
    });
    afterAll(() => test.drop());

    it('leaves the old or the new value of each, whole, and every one that it said to have stored', async () => {
      for (let round = 0; round < 4; round += 1) {
        const stored = await workAndDie('postgres', test.url ?? '');
        expect(await lostOf(postgresStorage(test.database), stored)).toEqual([]);
      }
    });
  },
);
