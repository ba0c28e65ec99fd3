// A process of its own: stores a value where others have one in their caches, and ends.
import { apiKey, credentials } from '@tenon/credentials';
import { postgresStorage } from '@tenon/credentials/drivers/postgres';
import { postgresInvalidation } from '@tenon/credentials/drivers/postgres-invalidation';
import { KeyRing } from '@tenon/crypto';
import { openDatabase } from '@tenon/database';

const [, , url = '', ring = '', id = '', value = ''] = process.argv;
const database = await openDatabase({ url });
const invalidation = postgresInvalidation({ url });
const vault = credentials()
  .storage(postgresStorage(database))
  .keys(KeyRing.parse(ring))
  .tenant('main')
  .invalidation(invalidation)
  .build();
await vault.store({ scope: 'org:acme', id }, apiKey(value));
await vault.close();
await invalidation.close();
await database.close();
