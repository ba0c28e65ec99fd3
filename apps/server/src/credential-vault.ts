import type { Logger } from '@tenon/core';
import { credentials, type CredentialVault } from '@tenon/credentials';
import { postgresStorage } from '@tenon/credentials/drivers/postgres';
import { postgresAudit } from '@tenon/credentials/drivers/postgres-audit';
import type { KeyRing } from '@tenon/crypto';
import type { Database } from '@tenon/database';
import type { Settings } from './settings/settings.ts';

/** The vault of all tenants: sealed in the database, every access recorded beside it. Without a cache, as other processes share it. */
export function openCredentialVault(
  settings: Settings,
  database: Database,
  keys: KeyRing,
  logger: Logger,
): CredentialVault {
  return credentials()
    .storage(postgresStorage(database))
    .keys(keys)
    .audit({ audit: postgresAudit(database), mode: settings.credentialAudit })
    .logger(logger)
    .build();
}
