// A process of its own: writes without end, and says so only after each write is confirmed.
import { writeSync } from 'node:fs';
import { createDiskStore } from '@tenon/kv/drivers/disk';

const store = createDiskStore({ file: process.argv[2] ?? '' });
for (let index = 0; ; index += 1) {
  const key = `key-${index}`;
  await store.set(key, Buffer.from(`value of ${key}`));
  writeSync(1, `${key}\n`);
}
