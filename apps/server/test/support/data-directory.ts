import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@tenon/database';
import { allMigrations } from '@tenon/server';

/**
 * A data folder of a test's own, with an embedded database whose schema is there already. Initialising and migrating one takes
 * seconds, so it is done once for each state of the migrations, and copied.
 */
export async function newDataDirectory(): Promise<string> {
  const template = join(tmpdir(), 'tenon-test-snapshots', `server-${fingerprint()}`);
  if (!existsSync(template)) await makeTemplate(template);
  const dataDir = newEmptyDirectory();
  cpSync(template, join(dataDir, 'database'), { recursive: true });
  return dataDir;
}

/** A data folder of a test's own, with nothing in it. */
export function newEmptyDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'tenon-test-server-'));
}

async function makeTemplate(template: string): Promise<void> {
  const partial = `${template}.${randomBytes(4).toString('hex')}`;
  mkdirSync(partial, { recursive: true });
  const database = await openDatabase({ dataDir: join(partial, 'database') });
  await database.migrate(allMigrations());
  await database.close();
  try {
    renameSync(join(partial, 'database'), template);
  } catch (error) {
    // Another worker was faster: the folder is there, and not empty.
    if (!existsSync(template)) throw error;
  }
}

function fingerprint(): string {
  const own = fileURLToPath(new URL('../../../../packages/database/migrations/', import.meta.url));
  const files = readdirSync(own)
    .toSorted()
    .map((file) => readFileSync(join(own, file), 'utf8'));
  return createHash('sha256')
    .update(import.meta.resolve('@electric-sql/pglite'))
    .update(JSON.stringify([files, allMigrations()]))
    .digest('hex')
    .slice(0, 16);
}
