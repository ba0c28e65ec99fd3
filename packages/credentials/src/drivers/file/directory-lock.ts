import { closeSync, mkdirSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toError } from '@tenon/core';
import { credentialError } from '../../errors.ts';
import { fileFailure } from './file-failure.ts';

/** The right to work in a folder. */
export interface DirectoryLock {
  /** The folder's one true path. */
  readonly directory: string;
  /** Gives the right back. Idempotent. */
  release(): void;
}

const LOCK_FILE = '.lock';
const HOLDER_FILE = '.holder';
const SQLITE_BUSY = 5;

/**
 * Takes a folder for this process alone; it is made when missing, for this user alone.
 *
 * A file with a pid in it is wrong after a crash, when pids are used again, and in containers, where every program has the same one. So
 * the lock is one of the operating system's, held through an empty SQLite file: it ends with the process, however that ends. The pid
 * stands beside it only to say who it is.
 *
 * @throws `CREDENTIAL_STORAGE_UNAVAILABLE`, retryable, when another process, or this one, works in the folder already
 * @throws `CREDENTIAL_STORAGE_DENIED` when the folder may not be made or written to
 */
export function lockDirectory(path: string): DirectoryLock {
  const { directory, file } = openLockFile(path);
  const holderFile = join(directory, HOLDER_FILE);
  try {
    file.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    writeFileSync(holderFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    file.close();
    throw isBusy(error) ? inUse(directory, readHolder(holderFile), error) : notUsable(path, error);
  }
  let held = true;
  return {
    directory,
    release() {
      if (!held) return;
      held = false;
      rmSync(holderFile, { force: true });
      file.close();
    },
  };
}

function openLockFile(path: string): { readonly directory: string; readonly file: DatabaseSync } {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // Two names of one folder must meet at one lock.
    const directory = realpathSync(path);
    const lockFile = join(directory, LOCK_FILE);
    closeSync(openSync(lockFile, 'a', 0o600)); // SQLite would make it readable for everybody
    return { directory, file: new DatabaseSync(lockFile) };
  } catch (error) {
    throw notUsable(path, error);
  }
}

function isBusy(error: unknown): boolean {
  return (toError(error) as Error & { readonly errcode?: number }).errcode === SQLITE_BUSY;
}

function inUse(directory: string, pid: number | undefined, cause: unknown): Error {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return credentialError(
    'CREDENTIAL_STORAGE_UNAVAILABLE',
    `the folder of credentials "${directory}" is in use by ${who}. Stop that one, or give this one a folder of its own, or a storage that processes can share`,
    { cause, retryable: true, details: { directory, ...(pid === undefined ? {} : { pid }) } },
  );
}

const notUsable = (path: string, cause: unknown): Error =>
  fileFailure(cause, `the folder of credentials "${path}" cannot be made or locked`);

function readHolder(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
