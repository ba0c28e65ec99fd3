// A process of its own: opens a folder of credentials, gives up the right to it, and prints what each operation comes to.
import { chmodSync } from 'node:fs';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { sampleRecord } from '@tenon/credentials/testing';
import { outcomeOf } from './outcome-of.ts';

const [, , directory = ''] = process.argv;
const storage = fileStorage({ directory });
const options = { signal: new AbortController().signal };
const kept = sampleRecord({ id: 'kept' });
await storage.put({ record: kept, expectedRevision: 0 }, options);

// The administrator may do everything, and has to become somebody else.
if (process.getuid?.() === 0) process.seteuid?.(65_534);
else chmodSync(directory, 0o000);
const next = { ...kept, revision: 2 };
const outcomes = [
  await outcomeOf(storage.get(kept.key, options)),
  await outcomeOf(storage.put({ record: next, expectedRevision: 1 }, options)),
  await outcomeOf(storage.delete(kept.key, options)),
  await outcomeOf(storage.list({ tenant: 'acme', limit: 10 }, options)),
];
if (process.getuid?.() === 0) process.seteuid?.(0);
else chmodSync(directory, 0o700);

outcomes.push(await outcomeOf(storage.get(kept.key, options).then((record) => record?.revision)));
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
await storage.close();
