import { readdirSync, rmSync, statSync } from 'node:fs';
import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyedMutex, silentLogger, type KeyedMutex, type Logger } from '@tenon/core';
import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import { assertWanted } from '../storage/assert-wanted.ts';
import { collectPage } from '../storage/collect-page.ts';
import type {
  CredentialStorage,
  StorageCallOptions,
  StoragePage,
  StoragePut,
  StorageQuery,
} from '../storage/credential-storage.ts';
import { decodeRecord, encodeRecord, keyOfRecord } from '../storage/encode-record.ts';
import type { Place } from '../storage/matches.ts';
import { createPlaceList, type PlaceList } from '../storage/place-list.ts';
import { assertRecordSize, maxRecordBytesOf } from '../storage/record-size.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { lockDirectory, type DirectoryLock } from './file/directory-lock.ts';
import { fileFailure, systemCode } from './file/file-failure.ts';
import { fromFileName, toFileName } from './file/file-name.ts';
import { isTemporary, replaceFile, syncDirectory } from './file/replace-file.ts';

/** What {@link fileStorage} takes. */
export interface FileStorageOptions {
  /** The folder of the files, and of nothing else. Made when missing, for this user alone. */
  readonly directory: string;
  /** Largest record, in bytes of its file, 1,024 to 67,108,864. What is larger already stays readable. Default 1,048,576. */
  readonly maxRecordBytes?: number;
  /** Hears of files that cannot be read and of folders that are open to others. Default: silent. */
  readonly logger?: Logger;
}

/**
 * Keeps sealed credentials in a folder of this machine, one JSON file each. A write is on the disk when it resolves, and replaces the
 * file whole or not at all, whenever the process or the machine dies. A folder belongs to one process at a time; a second one is refused.
 *
 * A file that cannot be read is `CREDENTIAL_STORAGE_CORRUPT`, naming its credential, for whoever asks for it, also by a list that it
 * belongs to; deleting it works. A file with a hashed name (that of a very long scope or id) which tells nothing of itself any more is left out
 * of lists, and logged.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 * @throws `CREDENTIAL_STORAGE_UNAVAILABLE`, retryable, when another process has the folder; `CREDENTIAL_STORAGE_DENIED` without the right to it
 * @example
 * ```ts
 * const vault = credentials().storage(fileStorage({ directory: '.tenon/credentials' })).keys(ring).build();
 * ```
 */
export function fileStorage(options: FileStorageOptions): CredentialStorage {
  return new FolderStorage(options);
}

class FolderStorage implements CredentialStorage {
  readonly name = 'file';
  readonly isShared = false;
  readonly #lock: DirectoryLock;
  readonly #maxRecordBytes: number;
  readonly #logger: Logger;
  readonly #changes: KeyedMutex<string> = createKeyedMutex();
  // Where records are, or were: what is gone since is passed over when it is read.
  readonly #places = new Map<string, PlaceList>();
  #scan: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor({ directory, maxRecordBytes, logger = silentLogger }: FileStorageOptions) {
    if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
      throw credentialError('CREDENTIALS_OPTIONS_INVALID', 'file storage: directory must be the path of a folder', {
        details: { option: 'directory' },
      });
    }
    this.#maxRecordBytes = maxRecordBytesOf('file', maxRecordBytes);
    this.#logger = logger;
    this.#lock = lockDirectory(directory);
    this.#tidy();
  }

  async get(key: CredentialKey, { signal }: StorageCallOptions): Promise<StoredCredential | undefined> {
    this.#assertOpen();
    assertWanted(signal);
    return this.#read(key);
  }

  async put({ record, expectedRevision }: StoragePut, { signal }: StorageCallOptions): Promise<boolean> {
    this.#assertOpen();
    const { key } = record;
    // Encoded at once: the caller may go on to change what was given.
    const bytes = Buffer.from(encodeRecord(record), 'utf8');
    assertRecordSize(key, bytes.length, this.#maxRecordBytes);
    const { tenant, scope, id } = key;
    return this.#changes.run(keyText(key), async () => {
      assertWanted(signal);
      const existing = await this.#read({ tenant, scope, id });
      if ((existing?.revision ?? 0) !== expectedRevision) return false;
      this.#placesOf(tenant).add({ scope, id });
      const written = await replaceFile(this.#lock.directory, toFileName({ tenant, scope, id }), bytes, signal);
      if (written.done) return true;
      throw written.isUnknown ? unknownOutcome({ tenant, scope, id }, written.error) : this.#failure(written.error);
    });
  }

  async delete({ tenant, scope, id }: CredentialKey, { signal }: StorageCallOptions): Promise<boolean> {
    this.#assertOpen();
    const key = { tenant, scope, id };
    return this.#changes.run(keyText(key), async () => {
      assertWanted(signal);
      try {
        await unlink(this.#pathOf(key));
      } catch (error) {
        if (await this.#isMissing(error)) return false;
        throw this.#failure(error);
      }
      this.#placesOf(tenant).delete(key);
      await syncDirectory(this.#lock.directory).catch((error: unknown) => {
        throw unknownOutcome(key, error);
      });
      return true;
    });
  }

  async list(query: StorageQuery, { signal }: StorageCallOptions): Promise<StoragePage> {
    this.#assertOpen();
    const { tenant, within, after } = query;
    this.#scan ??= this.#scanFolder().catch((error: unknown) => {
      this.#scan = undefined;
      throw this.#failure(error);
    });
    await this.#scan;
    return collectPage(query, this.#placesOf(tenant).within(within, after), ({ scope, id }) => {
      assertWanted(signal);
      return this.#read({ tenant, scope, id });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#changes.idle().then(() => this.#lock.release());
    return this.#closing;
  }

  async #read(key: CredentialKey): Promise<StoredCredential | undefined> {
    let text: string;
    try {
      text = await readFile(this.#pathOf(key), 'utf8');
    } catch (error) {
      if (await this.#isMissing(error)) return undefined;
      throw this.#failure(error);
    }
    return decodeRecord(text, key);
  }

  /** Whether a file is not there. One of a folder that is not there itself is not missing: the disk is. */
  async #isMissing(error: unknown): Promise<boolean> {
    if (systemCode(error) !== 'ENOENT') return false;
    try {
      await stat(this.#lock.directory);
      return true;
    } catch (gone) {
      throw this.#failure(gone);
    }
  }

  async #scanFolder(): Promise<void> {
    const found = new Map<string, Place[]>();
    for (const name of await readdir(this.#lock.directory)) {
      const named = fromFileName(name);
      const key = named === 'hashed' ? await this.#keyInside(name) : named;
      if (key === undefined) continue;
      const places = found.get(key.tenant) ?? [];
      found.set(key.tenant, places);
      places.push(key);
    }
    for (const [tenant, places] of found) this.#placesOf(tenant).addAll(places);
  }

  async #keyInside(name: string): Promise<CredentialKey | undefined> {
    const text = await readFile(join(this.#lock.directory, name), 'utf8').catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const key = keyOfRecord(text);
    if (key !== undefined && toFileName(key) === name) return key;
    this.#logger.error({ file: name }, 'a file of a credential cannot be read, and is left out of lists');
    return undefined;
  }

  #tidy(): void {
    const { directory } = this.#lock;
    try {
      // This process alone works here, so nobody is writing them.
      for (const name of readdirSync(directory).filter(isTemporary)) rmSync(join(directory, name), { force: true });
      if (process.platform === 'win32' || (statSync(directory).mode & 0o077) === 0) return;
    } catch (error) {
      this.#lock.release();
      throw this.#failure(error);
    }
    this.#logger.warn({ directory }, 'the folder of credentials is open to other users of this machine');
  }

  #placesOf(tenant: string): PlaceList {
    const places = this.#places.get(tenant) ?? createPlaceList();
    this.#places.set(tenant, places);
    return places;
  }

  #pathOf(key: CredentialKey): string {
    return join(this.#lock.directory, toFileName(key));
  }

  #failure(error: unknown): Error {
    return fileFailure(error, `the folder of credentials "${this.#lock.directory}" cannot be read or written`);
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw credentialError('CREDENTIALS_CLOSED', 'the file storage of credentials has been closed');
  }
}

function unknownOutcome({ id, scope }: CredentialKey, cause: unknown): Error {
  return credentialError(
    'CREDENTIAL_OUTCOME_UNKNOWN',
    `the disk failed while credential "${id}" in scope "${scope}" was changed: it may be the old one or the new one. Look before you repeat it`,
    { cause, details: { id, scope } },
  );
}
