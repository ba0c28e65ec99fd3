// A process of its own: reads a credential, which the cache then holds, and writes down its heap while the value is in use and after.
import { randomBytes } from 'node:crypto';
import { writeHeapSnapshot } from 'node:v8';
import { apiKey, credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';

const [, , inUse = '', after = ''] = process.argv;
const bytes = randomBytes(32);
const builder = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main');
const vault = builder.cache({}).build();
const reference = { scope: 'org:acme', id: 'github' };

// Functions, because whatever the module itself has touched stays with it.
async function fill(): Promise<void> {
  await vault.store(reference, apiKey(bytes.toString('hex')));
  await vault.retrieve(reference);
}
async function use(): Promise<void> {
  const credential = await vault.retrieve(reference);
  writeHeapSnapshot(inUse);
  const { hits = 0, entries = 0 } = vault.statistics().cache ?? {};
  // Not the value itself: it would be in the heap.
  console.log(JSON.stringify({ version: credential?.version, hits, entries, bytes: [...bytes] }));
}
await fill();
await use();
writeHeapSnapshot(after);
await vault.close();
