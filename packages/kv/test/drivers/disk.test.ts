import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { createTestClock } from '@tenon/core/testing';
import { createDiskStore } from '@tenon/kv/drivers/disk';
import { keyValueStoreContract, type StoreRequest, type StoreUnderTest } from '@tenon/kv/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithModel } from './store-model.ts';

let folder: string;
let files = 0;
const newFile = (): string => join(folder, `store-${(files += 1)}.sqlite`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-kv-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(request: StoreRequest = {}): Promise<StoreUnderTest> {
  const clock = createTestClock();
  const file = newFile();
  return Promise.resolve({
    store: createDiskStore({ file, clock, ...request }),
    other: createDiskStore({ file, clock, ...request }),
    advance: (ms) => clock.advance(ms),
  });
}

const bytes = Uint8Array.of(1, 2, 3, 4);

describe('the disk store keeps the contract', () => {
  it.each(keyValueStoreContract(open))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(await open(), 30)).resolves.toBeUndefined();
  });
});

describe('the disk store lasts', () => {
  it('has its values and their time limits after it was closed and opened again', async () => {
    const clock = createTestClock();
    const file = newFile();
    const first = createDiskStore({ file, clock });
    await first.set('kept', bytes);
    await first.set('short', bytes, { ttlMs: 1000 });
    await first.close();
    const second = createDiskStore({ file, clock });
    expect(await second.get('kept')).toEqual(bytes);
    expect(await second.get('short')).toEqual(bytes);
    await clock.advance(1000);
    expect(await second.get('short')).toBeUndefined();
    await second.close();
  });

  it('keeps every confirmed write of a process that is killed with SIGKILL in the middle of writing', async () => {
    const file = newFile();
    const child = spawn(
      process.execPath,
      ['--conditions=@tenon/source', fileURLToPath(new URL('disk-writer.ts', import.meta.url)), file],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let confirmed = '';
    for await (const chunk of child.stdout) {
      confirmed += String(chunk);
      if (confirmed.split('\n').length > 50) break;
    }
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    const last = confirmed.slice(0, confirmed.lastIndexOf('\n')).split('\n');
    const store = createDiskStore({ file });
    for (const key of last) expect(Buffer.from((await store.get(key)) ?? []).toString()).toBe(`value of ${key}`);
    expect(last.length).toBeGreaterThanOrEqual(50);
    await store.close();
  });

  it('lets several processes count together without losing an increment', async () => {
    const file = newFile();
    const children = Array.from({ length: 3 }, () =>
      spawn(
        process.execPath,
        ['--conditions=@tenon/source', fileURLToPath(new URL('disk-counter.ts', import.meta.url)), file, '40'],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      ),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
    expect(codes).toEqual([0, 0, 0]);
    const store = createDiskStore({ file });
    expect(Buffer.from((await store.get('counter')) ?? []).toString()).toBe('120');
    await store.close();
  });
});

describe('the file of the disk store', () => {
  it('is made with its folder, readable by its owner alone', async () => {
    const file = join(folder, 'deep', 'er', 'store.sqlite');
    const store = createDiskStore({ file });
    await store.set('a', bytes);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'deep')).mode & 0o077).toBe(0);
    await store.close();
  });

  it('is written through to the disk at each write', async () => {
    const file = newFile();
    const store = createDiskStore({ file });
    const database = new DatabaseSync(file);
    expect(database.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
    await store.close();
  });

  it('is a file also when its name means something else to SQLite', async () => {
    const before = process.cwd();
    expect(existsSync(join(before, ':memory:'))).toBe(false);
    const store = createDiskStore({ file: join(folder, ':memory:') });
    await store.set('a', bytes);
    await store.close();
    expect(existsSync(join(folder, ':memory:'))).toBe(true);
  });

  it('loses its expired values to the writes that follow', async () => {
    const clock = createTestClock();
    const file = newFile();
    const store = createDiskStore({ file, clock });
    for (let index = 0; index < 100; index += 1) await store.set(`old-${index}`, bytes, { ttlMs: 1000 });
    await clock.advance(1000);
    for (let index = 0; index < 64; index += 1) await store.set('same', bytes);
    const database = new DatabaseSync(file);
    expect(database.prepare('select count(*) as held from entries').get()).toEqual({ held: 1 });
    database.close();
    await store.close();
  });

  it('is refused, untouched, when it is no database or another program’s', () => {
    const text = newFile();
    writeFileSync(text, 'minutes of the meeting of '.repeat(100));
    expect(() => createDiskStore({ file: text })).toThrow(expect.objectContaining({ code: 'KV_FAILED' }));
    expect(readFileSync(text, 'utf8')).toBe('minutes of the meeting of '.repeat(100));
    const foreign = newFile();
    const database = new DatabaseSync(foreign);
    database.exec('create table entries (key text primary key, value blob, expires_at_ms integer)');
    database.close();
    expect(() => createDiskStore({ file: foreign })).toThrow(expect.objectContaining({ code: 'KV_FAILED' }));
  });

  it('is refused retryably when it cannot be opened', () => {
    expect(() => createDiskStore({ file: folder })).toThrow(
      expect.objectContaining({ code: 'KV_UNAVAILABLE', retryable: true }),
    );
  });

  it('answers KV_UNAVAILABLE when another process writes for longer than busyTimeoutMs', async () => {
    const file = newFile();
    const store = createDiskStore({ file, busyTimeoutMs: 0 });
    const other = new DatabaseSync(file);
    other.exec('begin immediate');
    await expect(store.set('a', bytes)).rejects.toMatchObject({ code: 'KV_UNAVAILABLE', retryable: true });
    expect(await store.get('a')).toBeUndefined();
    other.exec('commit');
    other.close();
    await store.set('a', bytes);
    expect(await store.get('a')).toEqual(bytes);
    await store.close();
  });
});

describe('the options of the disk store', () => {
  it.each([
    ['file', ''],
    ['maxValueBytes', 0],
    ['busyTimeoutMs', -1],
  ] as const)('refuses a wrong %s and names it', (option, value) => {
    expect(() => createDiskStore({ file: newFile(), [option]: value })).toThrow(
      expect.objectContaining({ code: 'KV_OPTIONS_INVALID', details: { option } }),
    );
  });
});
