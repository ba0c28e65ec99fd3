import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { openDatabase, type Database } from '@tenon/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProcess } from './processes/start-process.ts';
import { widgetMigrations, type WidgetTables } from './widgets.ts';

let folder: string;
let places = 0;
const newPlace = (): string => join(folder, `place-${(places += 1)}`, 'database');

// Making a database takes seconds, copying one does not. This one was made with nothing there before, and was closed.
const template = (): string => join(folder, 'made', 'for', 'copies');

function newDatabase(): string {
  const dataDir = newPlace();
  cpSync(template(), dataDir, { recursive: true });
  return dataDir;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-data-'));
  const database = await openDatabase({ dataDir: template() });
  await database.migrate([widgetMigrations]);
  await insert(database, 'Ünïcode');
  await database.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function names(dataDir: string): Promise<readonly string[]> {
  const database = await openDatabase({ dataDir });
  await database.migrate([widgetMigrations]);
  const rows = await database
    .withTables<WidgetTables>()
    .withSystem('test', (tx) => tx.selectFrom('widgets').select('name').execute());
  await database.close();
  return rows.map(({ name }) => name);
}

const insert = (database: Database, name: string): Promise<unknown> =>
  database
    .withTables<WidgetTables>()
    .withSystem('test', (tx) =>
      tx.insertInto('widgets').values({ tenant_id: 'acme', id: name, name, size: 1 }).execute(),
    );

describe('the data directory of the embedded database', () => {
  it('is made with the folders above it, for this user alone, and leaves nothing else behind', () => {
    expect(readdirSync(join(folder, 'made', 'for')).toSorted()).toEqual(['copies', 'copies.lock']);
    for (const made of ['made', 'made/for', 'made/for/copies'])
      expect(statSync(join(folder, made)).mode & 0o077).toBe(0);
  });

  it('has its data after a restart', async () => {
    expect(await names(newDatabase())).toEqual(['Ünïcode']);
  });

  it('is refused to a second process, which learns the pid, while the first goes on', async () => {
    const dataDir = newDatabase();
    const first = startProcess('hold-directory.ts', dataDir);
    expect(await first.nextLine()).toBe('open');
    const second = startProcess('hold-directory.ts', dataDir);
    const refusal = JSON.parse((await second.nextLine()) ?? '') as Record<string, unknown>;
    expect(refusal).toMatchObject({
      code: 'DATABASE_DIRECTORY_LOCKED',
      message: expect.stringContaining(`process ${first.pid}`) as string,
      details: { pid: first.pid },
    });
    expect(await second.finish()).toBe(1);
    first.say('still here');
    expect(await first.nextLine()).toBe('still here');

    // The same from this process, which must not take the lock away either.
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: 'DATABASE_DIRECTORY_LOCKED',
      details: { pid: first.pid },
    });
    first.say('still');
    expect(await first.nextLine()).toBe('still');
    expect(await first.finish()).toBe(0);
    expect(existsSync(`${dataDir}.pid`)).toBe(false);
    expect(await names(dataDir)).toEqual(['Ünïcode']);
  });

  it('opens again after its process was killed with SIGKILL, though the pid file still names it', async () => {
    const dataDir = newDatabase();
    const first = startProcess('hold-directory.ts', dataDir);
    expect(await first.nextLine()).toBe('open');
    await first.kill9();
    expect(readFileSync(`${dataDir}.pid`, 'utf8')).toBe(`${first.pid}\n`);
    const second = startProcess('hold-directory.ts', dataDir);
    expect(await second.nextLine()).toBe('open');
    expect(await second.finish()).toBe(0);
  });

  it('keeps every acknowledged row when its process is killed with SIGKILL in the middle of writes, each time', async () => {
    const dataDir = newDatabase();
    const acknowledged: string[] = [];
    for (const rows of [100, 150]) {
      const writer = startProcess('write-rows.ts', dataDir);
      for (let count = 0; count < rows; count += 1) acknowledged.push((await writer.nextLine()) ?? 'the writer ended');
      await writer.kill9();
      // What it had printed before it died counts as acknowledged too.
      for (let line = await writer.nextLine(); line !== undefined; line = await writer.nextLine())
        acknowledged.push(line);
    }
    const kept = new Set(await names(dataDir));
    expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  });

  it('opens after a first start that was killed before it was finished', async () => {
    const dataDir = newPlace();
    const first = startProcess('hold-directory.ts', dataDir);
    await expect
      .poll(() => existsSync(`${dataDir}.new`) && readdirSync(`${dataDir}.new`).length > 5, {
        timeout: 30_000,
        interval: 5,
      })
      .toBe(true);
    await first.kill9();
    expect(readdirSync(dataDir)).toEqual([]);
    expect(await names(dataDir)).toEqual([]);
  });

  it('is locked under whatever name it is opened, and twice in one process too', async () => {
    const dataDir = newDatabase();
    const database = await openDatabase({ dataDir });
    const link = join(folder, 'link');
    symlinkSync(dataDir, link);
    for (const name of [dataDir, `${dataDir}/`, link, relative(process.cwd(), dataDir)]) {
      await expect(openDatabase({ dataDir: name }), name).rejects.toMatchObject({
        code: 'DATABASE_DIRECTORY_LOCKED',
        details: { pid: process.pid },
      });
    }
    await database.close();
    await (await openDatabase({ dataDir: link })).close();
  });

  it('is refused when it holds something else, which stays as it was', async () => {
    const dataDir = newPlace();
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'thesis.txt'), 'chapter one');
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: 'DATABASE_OPTIONS_INVALID',
      details: { option: 'dataDir' },
    });
    expect(readdirSync(dataDir)).toEqual(['thesis.txt']);
  });

  it('is refused with the reason when it cannot be made', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    for (const dataDir of [file, join(file, 'database')]) {
      await expect(openDatabase({ dataDir })).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    }
  });

  it('is let go of when what is in it cannot be opened', async () => {
    const dataDir = newPlace();
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'PG_VERSION'), 'broken');
    for (let times = 0; times < 2; times += 1) {
      await expect(openDatabase({ dataDir })).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        message: expect.stringContaining('could not be opened') as string,
      });
    }
  });
});
