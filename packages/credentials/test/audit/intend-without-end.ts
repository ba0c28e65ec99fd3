// A process of its own: begins to store a credential in a storage that never answers, with an audit that is required.
import { apiKey, credentials } from '@tenon/credentials';
import { postgresAudit } from '@tenon/credentials/drivers/postgres-audit';
import { KeyRing } from '@tenon/crypto';
import { openDatabase } from '@tenon/database';
import { spyStorage } from '../vault/support/spied-storage.ts';

const [, , url = ''] = process.argv;
const storage = spyStorage();
storage.before(() => new Promise(() => undefined));
const vault = credentials()
  .storage(storage)
  .keys(KeyRing.generate())
  .tenant('main')
  .operationTimeout(60_000)
  .audit({ audit: postgresAudit(await openDatabase({ url })), mode: 'required' })
  .build();
await vault.store({ scope: 'org:acme', id: 'github' }, apiKey('x'));
