import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { toError } from '@tenon/core';
import { databaseError } from './errors.ts';

/**
 * Makes sure that the folder holds a whole database or nothing. A process that is killed while it fills a new folder leaves one
 * that can never be opened again; so a new database is made beside it, and put in its place when it is finished.
 *
 * @param dataDir - the folder; it is locked, and exists
 * @param create - makes a new database in a folder
 * @throws `DATABASE_OPTIONS_INVALID` when the folder holds files that are no database, or is a mount point
 */
export async function prepareDataDirectory(
  dataDir: string,
  create: (folder: string) => Promise<{ close(): Promise<void> }>,
): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  if (readdirSync(dataDir).length > 0) throw unsuitable(dataDir, 'holds files, and no database');
  const unfinished = `${dataDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const database = await create(unfinished);
  await database.close();
  try {
    rmdirSync(dataDir);
    renameSync(unfinished, dataDir);
  } catch (error) {
    throw unsuitable(dataDir, 'cannot be replaced, perhaps because it is a mount point', toError(error));
  }
}

function unsuitable(dataDir: string, problem: string, cause?: Error): Error {
  return databaseError(
    'DATABASE_OPTIONS_INVALID',
    `database option "dataDir": the folder "${dataDir}" ${problem}. Name a folder in it, which need not exist`,
    { details: { option: 'dataDir' }, ...(cause === undefined ? {} : { cause }) },
  );
}
