// A process of its own: opens a folder of credentials in which it may then write but not read, so that the names of files cannot be
// brought to the disk, and prints what each operation comes to.
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { sampleRecord } from '@tenon/credentials/testing';
import { outcomeOf } from './outcome-of.ts';

const [, , directory = ''] = process.argv;
const NOBODY = 65_534;
const isAdministrator = process.getuid?.() === 0;
mkdirSync(directory, { mode: 0o700 });
if (isAdministrator) {
  // The folders above are not for everybody.
  chmodSync(`${directory}/..`, 0o711);
  chownSync(directory, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
}
const storage = fileStorage({ directory });
const options = { signal: new AbortController().signal };
const record = sampleRecord();
await storage.put({ record, expectedRevision: 0 }, options);

chmodSync(directory, 0o300);
const outcomes = [
  await outcomeOf(storage.put({ record: { ...record, revision: 2 }, expectedRevision: 1 }, options)),
  await outcomeOf(storage.get(record.key, options).then((found) => found?.revision)),
  await outcomeOf(storage.delete(record.key, options)),
  await outcomeOf(storage.get(record.key, options)),
];
chmodSync(directory, 0o700);
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
await storage.close();
