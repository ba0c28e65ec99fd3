import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toError } from '@tenon/core';
import { databaseError } from './errors.ts';

/** The right to open a data directory. */
export interface DataDirectoryLock {
  /** The folder's one true path. */
  readonly dataDir: string;
  /** Gives the right back. Idempotent. */
  release(): void;
}

/**
 * Takes the lock of a data directory for this process. PGlite takes none: a second process on the same folder opens it
 * happily and corrupts it.
 *
 * A pid file alone is wrong after a crash, when pids are reused, and in containers, where every program is pid 1. So the lock
 * itself is an exclusive lock of the operating system, held through an empty SQLite file beside the folder: it ends with
 * the process, however that ends. The pid is written next to it only to say who holds the lock.
 *
 * @param path - the folder; it is made when missing, for this user alone
 * @throws `DATABASE_DIRECTORY_LOCKED` when another process, or this one, has the folder open
 * @throws `DATABASE_UNAVAILABLE` when the folder cannot be made or locked
 */
export function lockDataDirectory(path: string): DataDirectoryLock {
  const { dataDir, file } = openLockFile(path);
  const pidFile = `${dataDir}.pid`;
  try {
    file.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    throw isBusy(error) ? alreadyLocked(dataDir, readPid(pidFile), error) : notUsable(path, error);
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  let held = true;
  return {
    dataDir,
    release(): void {
      if (!held) return;
      held = false;
      rmSync(pidFile, { force: true });
      file.close();
    },
  };
}

function openLockFile(path: string): { readonly dataDir: string; readonly file: DatabaseSync } {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // Two names of one folder must meet at one lock.
    const dataDir = realpathSync(path);
    return { dataDir, file: new DatabaseSync(`${dataDir}.lock`) };
  } catch (error) {
    throw notUsable(path, error);
  }
}

function isBusy(error: unknown): boolean {
  return (toError(error) as Error & { readonly errcode?: number }).errcode === 5; // SQLITE_BUSY
}

function alreadyLocked(dataDir: string, pid: number | undefined, cause: unknown): Error {
  return databaseError(
    'DATABASE_DIRECTORY_LOCKED',
    `the data directory "${dataDir}" is in use by ${pid === undefined ? 'another process' : `process ${pid}`}. ` +
      'Stop that process, or give this one another directory or a PostgreSQL server (TENON_DATABASE_URL)',
    { cause, details: { dataDir, ...(pid === undefined ? {} : { pid }) } },
  );
}

function notUsable(path: string, cause: unknown): Error {
  return databaseError(
    'DATABASE_UNAVAILABLE',
    `the data directory "${path}" cannot be made or written to: ${toError(cause).message}`,
    { cause },
  );
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
