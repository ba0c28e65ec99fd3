// A process of its own: opens a folder of credentials, gives up the right to it, and prints what each operation comes to.
import { chmodSync } from 'node:fs';
import { isCodedError } from '@tenon/core';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { sampleRecord } from '@tenon/credentials/testing';

const [, , directory = ''] = process.argv;
const storage = fileStorage({ directory });
const options = { signal: new AbortController().signal };
const kept = sampleRecord({ id: 'kept' });
await storage.put({ record: kept, expectedRevision: 0 }, options);

// The administrator may do everything, and has to become somebody else.
if (process.getuid?.() === 0) process.seteuid?.(65_534);
else chmodSync(directory, 0o000);

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    return JSON.stringify(await work);
  } catch (error) {
    return isCodedError(error) ? `${error.code} ${error.retryable}` : String(error);
  }
};
const next = { ...kept, revision: 2 };
const results = [
  await codeOf(storage.get(kept.key, options)),
  await codeOf(storage.put({ record: next, expectedRevision: 1 }, options)),
  await codeOf(storage.delete(kept.key, options)),
  await codeOf(storage.list({ tenant: 'acme', limit: 10 }, options)),
];
if (process.getuid?.() === 0) process.seteuid?.(0);
else chmodSync(directory, 0o700);
results.push(await codeOf(storage.get(kept.key, options).then((record) => record?.revision)));
process.stdout.write(`${JSON.stringify(results)}\n`);
await storage.close();
