import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogFields, Logger } from '@tenon/core';
import { keyText, type CredentialStorage, type StoredCredential } from '@tenon/credentials';
import { fileStorage, type FileStorageOptions } from '@tenon/credentials/drivers/file';
import { describeCredentialStorage, fullRecord, sampleRecord, sampleVersion } from '@tenon/credentials/testing';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProcess } from '../processes/start-process.ts';
import { compareWithModel } from './storage-model.ts';

let folder: string;
let folders = 0;
const newFolder = (): string => join(folder, `store-${(folders += 1)}`);
const options = { signal: new AbortController().signal };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-credentials-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: CredentialStorage[] = [];
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close();
});

function open(directory: string, more: Omit<FileStorageOptions, 'directory'> = {}): CredentialStorage {
  const storage = fileStorage({ directory, ...more });
  opened.push(storage);
  return storage;
}

async function openWith(
  ...records: readonly StoredCredential[]
): Promise<{ readonly storage: CredentialStorage; readonly directory: string }> {
  const directory = newFolder();
  const storage = open(directory);
  for (const record of records) {
    expect(await storage.put({ record, expectedRevision: record.revision - 1 }, options)).toBe(true);
  }
  return { storage, directory };
}

const filesIn = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .toSorted();
const idsIn = async (storage: CredentialStorage, more: object = {}): Promise<readonly string[]> =>
  (await storage.list({ tenant: 'acme', limit: 100, ...more }, options)).items.map(({ key }) => key.id);

interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
}
function createLog(): { readonly lines: LogLine[]; readonly logger: Logger } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: LogFields) => void lines.push({ level, fields });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return { lines, logger };
}

describeCredentialStorage('the file storage', () => ({ storage: fileStorage({ directory: newFolder() }) }), {
  describe,
  it,
});

describe('the file storage', () => {
  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(() => fileStorage({ directory: newFolder() }), 30)).resolves.toBeUndefined();
  });

  it('is of one process alone', () => {
    expect(open(newFolder())).toMatchObject({ name: 'file', isShared: false });
  });

  it('has everything after it was closed and opened again', async () => {
    const records = [fullRecord({ id: 'a' }), sampleRecord({ id: 'b' }), sampleRecord({ id: 'c'.repeat(255) })];
    const { storage, directory } = await openWith(...records);
    await storage.close();
    const again = open(directory);
    for (const record of records) expect(await again.get(record.key, options)).toEqual(record);
    expect(await idsIn(again)).toEqual(records.map(({ key }) => key.id));
  });

  it('lists what is written while it looks through its folder for the first time', async () => {
    const { storage, directory } = await openWith(...['a', 'c', 'e'].map((id) => sampleRecord({ id })));
    await storage.close();
    const again = open(directory);
    const listing = idsIn(again);
    await Promise.all(
      ['b', 'd'].map((id) => again.put({ record: sampleRecord({ id }), expectedRevision: 0 }, options)),
    );
    await again.delete(sampleRecord({ id: 'c' }).key, options);
    expect(await listing).toEqual(expect.arrayContaining(['a', 'e']));
    expect(await idsIn(again)).toEqual(['a', 'b', 'd', 'e']);
  });

  it('shows the old or the new record, whole, to who reads while it is replaced', async () => {
    const large = (revision: number) =>
      sampleRecord({ revision, current: sampleVersion({ envelope: new Uint8Array(400_000).fill(revision) }) });
    const { storage } = await openWith(large(1));
    const writing = { isOver: false };
    const seen = new Set<string>();
    const read = async (): Promise<void> => {
      while (!writing.isOver) {
        const record = await storage.get(large(1).key, options);
        seen.add(`${record?.revision}: ${String(record?.current.envelope.every((byte) => byte === record.revision))}`);
      }
    };
    const readers = [read(), read(), read()];
    for (let revision = 2; revision <= 25; revision += 1) {
      expect(await storage.put({ record: large(revision), expectedRevision: revision - 1 }, options)).toBe(true);
    }
    writing.isOver = true;
    await Promise.all(readers);
    expect([...seen].filter((one) => !one.endsWith(': true'))).toEqual([]);
    expect(seen.size).toBeGreaterThan(5);
  });

  it('refuses a change whose caller has given up, and makes none', async () => {
    const { storage, directory } = await openWith(sampleRecord());
    const gone = { signal: AbortSignal.abort(new Error('gone')) };
    const next = sampleRecord({ revision: 2 });
    for (const call of [
      () => storage.put({ record: next, expectedRevision: 1 }, gone),
      () => storage.delete(next.key, gone),
      () => storage.get(next.key, gone),
      () => storage.list({ tenant: 'acme', limit: 10 }, gone),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'CREDENTIAL_ABORTED', cause: new Error('gone') });
    }
    const controller = new AbortController();
    const writing = storage.put({ record: next, expectedRevision: 1 }, { signal: controller.signal });
    controller.abort();
    await expect(writing).rejects.toMatchObject({ code: 'CREDENTIAL_ABORTED' });
    expect(await storage.get(next.key, options)).toEqual(sampleRecord());
    expect(readdirSync(directory).filter((name) => name.startsWith('.writing'))).toEqual([]);
  });
});

describe('the files of the file storage', () => {
  it('are for their owner alone, like their folder', async () => {
    const directory = join(newFolder(), 'deep', 'er');
    const storage = open(directory);
    await storage.put({ record: sampleRecord(), expectedRevision: 0 }, options);
    await storage.put({ record: sampleRecord({ revision: 2 }), expectedRevision: 1 }, options);
    for (const path of [
      directory,
      join(directory, '..'),
      ...readdirSync(directory).map((one) => join(directory, one)),
    ]) {
      expect(statSync(path).mode & 0o077, path).toBe(0);
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, filesIn(directory)[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  it('are named after their credential, and hold one JSON record each', async () => {
    const { directory } = await openWith(sampleRecord({ scope: 'org:acme/team:Eng', id: 'gitHub_1' }));
    expect(filesIn(directory)).toEqual(['acme,org.acme+team.=eng,git=hub_1.json']);
    const text = readFileSync(join(directory, 'acme,org.acme+team.=eng,git=hub_1.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ format: 1, key: { scope: 'org:acme/team:Eng' }, revision: 1 });
  });

  it('have different names for different keys, on disks that do not tell cases apart, too, and none is too long', async () => {
    const word = fc.string({
      unit: fc.constantFrom('a', 'A', 'b', 'B', 'e', 'E', '0', '1', '_', '-'),
      minLength: 1,
      maxLength: 60,
    });
    const scope = fc.array(
      fc.tuple(word, word).map(([level, name]) => `${level}:${name}`),
      { minLength: 1, maxLength: 4 },
    );
    const keys = fc.uniqueArray(fc.record({ tenant: word, scope: scope.map((parts) => parts.join('/')), id: word }), {
      selector: keyText,
      minLength: 20,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(keys, async (several) => {
        const { storage, directory } = await openWith(...several.map((key) => sampleRecord(key)));
        const names = filesIn(directory);
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(several.length);
        expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(140);
        await storage.close();
        const again = open(directory);
        for (const { tenant } of several) {
          const { items } = await again.list({ tenant, limit: 1_000 }, options);
          const own = several.filter((key) => key.tenant === tenant).map(keyText);
          expect(items.map(({ key }) => keyText(key)).toSorted()).toEqual(own.toSorted());
        }
        await again.close();
      }),
      { numRuns: 5 },
    );
  });

  it('of other programs, and those that a crash has left half written, are no credentials', async () => {
    const { storage, directory } = await openWith(sampleRecord());
    await storage.close();
    const half = '.writing-019b7c3e-0000-4000-8000-000000000001';
    const foreign = [
      'README.md',
      'notes.json',
      'acme,org.acme,github.json.bak',
      'ACME,org.acme,github.json',
      '.DS_Store',
    ];
    for (const name of [half, ...foreign]) writeFileSync(join(directory, name), '{"format":1,"key"');
    const again = open(directory);
    expect(await idsIn(again)).toEqual(['github']);
    expect((await again.list({ tenant: 'ACME', limit: 10 }, options)).items).toEqual([]);
    expect(existsSync(join(directory, half))).toBe(false);
    for (const name of foreign) expect(existsSync(join(directory, name)), name).toBe(true);
  });

  it('that are there for others to read are told of', async () => {
    const directory = newFolder();
    mkdirSync(directory, { mode: 0o755 });
    const log = createLog();
    open(directory, { logger: log.logger });
    expect(log.lines).toEqual([{ level: 'warn', fields: { directory } }]);
  });
});

describe('a file that cannot be read', () => {
  const [good, bad] = [fullRecord({ id: 'good' }), fullRecord({ id: 'bad' })];
  const badFile = 'acme,org.acme,bad.json';
  const changed = (change: (record: Record<string, unknown>) => unknown) => (text: string) =>
    JSON.stringify(change(JSON.parse(text) as Record<string, unknown>));
  const inCurrent = (more: object) => (record: Record<string, unknown>) => ({
    ...record,
    current: { ...(record['current'] as object), ...more },
  });
  const damages: Readonly<Record<string, (text: string) => string>> = {
    'is empty': () => '',
    'is cut off': (text) => text.slice(0, -1),
    'is not JSON': (text) => `${text}x`,
    'is no object': () => '"text"',
    'is null': () => 'null',
    'is of a later format': changed((record) => ({ ...record, format: 2 })),
    'is of no format': changed((record) => ({ ...record, format: undefined })),
    'is of another credential': changed((record) => ({ ...record, key: good.key })),
    'is of another tenant': changed((record) => ({ ...record, key: { ...bad.key, tenant: 'other' } })),
    'lacks a field': changed((record) => ({ ...record, modifiedAt: undefined })),
    'has a field too many': changed((record) => ({ ...record, extra: true })),
    'has a field of another type': changed((record) => ({ ...record, revision: '1' })),
    'has a tag that is no text': changed((record) => ({ ...record, tags: { env: 1 } })),
    'has a policy that there is not': changed((record) => ({ ...record, policies: [{ type: 'weekly' }] })),
    'has a refresh that is none': changed((record) => ({ ...record, refresh: { failures: 0 } })),
    'has an envelope that is not base64': changed(inCurrent({ envelope: 'a-b' })),
    'has an envelope that is no text': changed(inCurrent({ envelope: 7 })),
    'has no envelope': changed((record) => inCurrent({ envelope: undefined })(record)),
  };

  it.each(Object.entries(damages))('because it %s is reported by name, and hides no other', async (_, damage) => {
    const { storage, directory } = await openWith(good, bad, sampleRecord({ scope: 'org:other', id: 'fine' }));
    const file = join(directory, badFile);
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    const failure = { code: 'CREDENTIAL_STORAGE_CORRUPT', details: { id: 'bad', scope: 'org:acme' } };
    await expect(storage.get(bad.key, options)).rejects.toMatchObject(failure);
    await expect(idsIn(storage)).rejects.toMatchObject(failure);
    await expect(storage.put({ record: { ...bad, revision: 2 }, expectedRevision: 1 }, options)).rejects.toMatchObject(
      failure,
    );
    expect(await storage.get(good.key, options)).toEqual(good);
    expect(await idsIn(storage, { within: 'org:other' })).toEqual(['fine']);
    expect(await idsIn(storage, { after: bad.key })).toEqual(['good', 'fine']);
    expect(await storage.delete(bad.key, options)).toBe(true);
    expect(await idsIn(storage)).toEqual(['good', 'fine']);
    expect(await storage.put({ record: bad, expectedRevision: 0 }, options)).toBe(true);
    expect(await storage.get(bad.key, options)).toEqual(bad);
  });

  it('and whose name does not tell whose it is either is left out of lists, and logged', async () => {
    const long = sampleRecord({ id: 'l'.repeat(255) });
    const { storage, directory } = await openWith(good, long);
    await storage.close();
    const [hashed = ''] = filesIn(directory).filter((name) => name.startsWith('~'));
    writeFileSync(join(directory, hashed), 'torn');
    // Moved there by hand: what it says is not what its name says.
    copyFileSync(join(directory, 'acme,org.acme,good.json'), join(directory, `~${'0'.repeat(64)}.json`));
    const log = createLog();
    const again = open(directory, { logger: log.logger });
    expect(await idsIn(again)).toEqual(['good']);
    expect(new Set(log.lines.map(({ level, fields }) => `${level} ${String(fields['file'])}`))).toEqual(
      new Set([`error ~${'0'.repeat(64)}.json`, `error ${hashed}`]),
    );
    await expect(again.get(long.key, options)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORAGE_CORRUPT',
      details: { id: long.key.id },
    });
  });

  it('does not quote what it holds in its failure', async () => {
    const { storage, directory } = await openWith(bad);
    writeFileSync(join(directory, badFile), 'hunter2');
    const failure = await storage.get(bad.key, options).catch((error: unknown) => error as Error);
    expect(JSON.stringify([failure, (failure as Error).message, String((failure as Error).cause)])).not.toContain(
      'hunter2',
    );
  });
});

describe('the lock of a folder', () => {
  const inUse = { code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true };

  it('refuses a second storage in this process, under whatever name of the folder, until the first is closed', async () => {
    const directory = newFolder();
    const first = open(directory);
    symlinkSync(directory, `${directory}-link`);
    expect(() => open(`${directory}-link`)).toThrow(
      expect.objectContaining({ ...inUse, details: { directory, pid: process.pid } }),
    );
    await first.put({ record: sampleRecord(), expectedRevision: 0 }, options);
    await first.close();
    expect(await open(directory).get(sampleRecord().key, options)).toEqual(sampleRecord());
  });

  it('refuses another process, and that process is told who has the folder', async () => {
    const directory = newFolder();
    open(directory);
    const other = startProcess('hold-folder.ts', directory);
    expect(JSON.parse((await other.nextLine()) ?? '')).toEqual({
      code: inUse.code,
      details: { directory, pid: process.pid },
    });
    expect(await other.finish()).toBe(1);
  });

  it('ends with the process that has it, also by SIGKILL', async () => {
    const directory = newFolder();
    const other = startProcess('hold-folder.ts', directory);
    expect(await other.nextLine()).toBe('open');
    expect(() => open(directory)).toThrow(expect.objectContaining(inUse));
    await other.kill9();
    expect(await idsIn(open(directory))).toEqual([]);
  });

  it('is given back when the storage cannot be opened after all', async () => {
    const directory = newFolder();
    const inTheWay = join(directory, '.writing-019b7c3e-0000-4000-8000-000000000001');
    mkdirSync(inTheWay, { recursive: true });
    expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'CREDENTIAL_STORAGE_FAILED' }));
    rmSync(inTheWay, { recursive: true });
    expect(await idsIn(open(directory))).toEqual([]);
  });
});

describe('a disk that fails', () => {
  const run = (program: string, ...words: readonly string[]) => execFileSync(program, words, { stdio: 'ignore' });

  it('for want of rights is DENIED, for each operation, and works again with them', async () => {
    const child = startProcess('lose-rights.ts', newFolder());
    const denied = 'CREDENTIAL_STORAGE_DENIED false';
    expect(JSON.parse((await child.nextLine()) ?? '')).toEqual([denied, denied, denied, denied, '1']);
    expect(await child.finish()).toBe(0);
  });

  it('once the file has its name leaves the outcome unknown', async () => {
    const child = startProcess('lose-reading.ts', newFolder());
    const unknown = 'CREDENTIAL_OUTCOME_UNKNOWN false';
    expect(JSON.parse((await child.nextLine()) ?? '')).toEqual([unknown, '2', unknown, 'undefined']);
    expect(await child.finish()).toBe(0);
  });

  it('for want of the folder is UNAVAILABLE, and not an empty storage', async () => {
    const { storage, directory } = await openWith(sampleRecord());
    renameSync(directory, `${directory}-gone`);
    const unavailable = { code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true, cause: expect.any(Error) as Error };
    const { key } = sampleRecord();
    await expect(storage.get(key, options)).rejects.toMatchObject(unavailable);
    await expect(storage.delete(key, options)).rejects.toMatchObject(unavailable);
    await expect(storage.put({ record: sampleRecord(), expectedRevision: 0 }, options)).rejects.toMatchObject(
      unavailable,
    );
    await expect(idsIn(storage)).rejects.toMatchObject(unavailable);
    renameSync(`${directory}-gone`, directory);
    expect(await storage.get(key, options)).toEqual(sampleRecord());
    expect(await idsIn(storage)).toEqual(['github']);
  });

  it('for want of room is UNAVAILABLE, and leaves the old record as it was', async (context) => {
    const directory = newFolder();
    mkdirSync(directory);
    try {
      run('mount', '-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', directory);
    } catch {
      context.skip('a small file system can be mounted by the administrator of Linux alone');
    }
    try {
      const storage = open(directory);
      const large = sampleVersion({ envelope: new Uint8Array(50_000) });
      const record = sampleRecord({ current: large });
      expect(await storage.put({ record, expectedRevision: 0 }, options)).toBe(true);
      const larger = sampleRecord({ revision: 2, current: sampleVersion({ envelope: new Uint8Array(80_000) }) });
      await expect(storage.put({ record: larger, expectedRevision: 1 }, options)).rejects.toMatchObject({
        code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
        retryable: true,
        cause: { code: 'ENOSPC' },
      });
      expect(await storage.get(record.key, options)).toEqual(record);
      expect(readdirSync(directory).filter((name) => name.startsWith('.writing'))).toEqual([]);
      expect(await storage.delete(record.key, options)).toBe(true);
      await storage.close();
    } finally {
      run('umount', directory);
    }
  });
});

describe('the options of the file storage', () => {
  it.each([
    ['directory', ''],
    ['directory', 'a\0b'],
    ['directory', undefined],
    ['maxRecordBytes', 1_023],
    ['maxRecordBytes', 67_108_865],
    ['maxRecordBytes', 5_000.5],
  ] as const)('refuse a wrong %s (%j) and name it', (option, value) => {
    expect(() => fileStorage({ directory: newFolder(), [option]: value })).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } }),
    );
  });

  it('refuse a path that cannot be a folder', () => {
    const file = newFolder();
    writeFileSync(file, '');
    expect(() => open(file)).toThrow(expect.objectContaining({ code: 'CREDENTIAL_STORAGE_FAILED' }));
  });

  it('maxRecordBytes refuses what is larger, and reads what was larger already', async () => {
    const large = sampleRecord({ current: sampleVersion({ envelope: new Uint8Array(3_000) }) });
    const { storage, directory } = await openWith(large);
    await storage.close();
    const again = open(directory, { maxRecordBytes: 4_000 });
    expect(await again.get(large.key, options)).toEqual(large);
    const failure = again.put({ record: { ...large, revision: 2 }, expectedRevision: 1 }, options);
    await expect(failure).rejects.toMatchObject({
      code: 'CREDENTIAL_TOO_LARGE',
      details: { id: 'github', scope: 'org:acme', maxBytes: 4_000, bytes: expect.any(Number) as number },
    });
    const small = sampleRecord({ revision: 2 });
    expect(await again.put({ record: small, expectedRevision: 1 }, options)).toBe(true);
  });

  it('maxRecordBytes is 1 MiB unless said otherwise', async () => {
    const { storage } = await openWith();
    const of = (bytes: number) => sampleRecord({ current: sampleVersion({ envelope: new Uint8Array(bytes) }) });
    await expect(storage.put({ record: of(790_000), expectedRevision: 0 }, options)).rejects.toMatchObject({
      code: 'CREDENTIAL_TOO_LARGE',
      details: { maxBytes: 1_048_576 },
    });
    expect(await storage.put({ record: of(780_000), expectedRevision: 0 }, options)).toBe(true);
  });
});

describe('a closed file storage', () => {
  it('has finished what was under way, and refuses everything after', async () => {
    const { storage, directory } = await openWith();
    const record = sampleRecord();
    const writing = storage.put({ record, expectedRevision: 0 }, options);
    const closing = storage.close();
    const closed = { code: 'CREDENTIALS_CLOSED' };
    await expect(storage.get(record.key, options)).rejects.toMatchObject(closed);
    await expect(storage.put({ record, expectedRevision: 0 }, options)).rejects.toMatchObject(closed);
    await expect(storage.delete(record.key, options)).rejects.toMatchObject(closed);
    await expect(idsIn(storage)).rejects.toMatchObject(closed);
    await closing;
    expect(await writing).toBe(true);
    expect(await open(directory).get(record.key, options)).toEqual(record);
  });
});
