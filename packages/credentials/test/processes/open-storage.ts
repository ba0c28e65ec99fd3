import type { CredentialStorage } from '@tenon/credentials';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { postgresStorage } from '@tenon/credentials/drivers/postgres';
import { openDatabase } from '@tenon/database';

/** The storage on which a process of its own works: `file` in a folder, or `postgres` at an address. */
export async function openStorage(driver: string, target: string): Promise<CredentialStorage> {
  return driver === 'file' ? fileStorage({ directory: target }) : postgresStorage(await openDatabase({ url: target }));
}
