import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toError } from '@tenon/core';
import { databaseError } from './errors.ts';

/** The right to open a data directory. */
export interface DataDirectoryLock {
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
 * @param dataDir - the folder, which need not exist yet
 * @throws `DATABASE_DIRECTORY_LOCKED` when another process, or this one, has the folder open
 */
export function lockDataDirectory(dataDir: string): DataDirectoryLock {
  mkdirSync(dirname(dataDir), { recursive: true, mode: 0o700 });
  const pidFile = `${dataDir}.pid`;
  const file = new DatabaseSync(`${dataDir}.lock`);
  try {
    file.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    const pid = readPid(pidFile);
    throw databaseError(
      'DATABASE_DIRECTORY_LOCKED',
      `the data directory "${dataDir}" is in use by ${pid === undefined ? 'another process' : `process ${pid}`}. ` +
        'Stop that process, or give this one another directory or a PostgreSQL server (TENON_DATABASE_URL)',
      { cause: toError(error), details: { dataDir, ...(pid === undefined ? {} : { pid }) } },
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  let held = true;
  return {
    release(): void {
      if (!held) return;
      held = false;
      rmSync(pidFile, { force: true });
      file.close();
    },
  };
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
