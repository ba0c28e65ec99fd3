// A process of its own: counts up in a file that others count in too.
import { createDiskStore } from '@tenon/kv/drivers/disk';

const [, , file = '', times = '0'] = process.argv;
const store = createDiskStore({ file, busyTimeoutMs: 20_000 });
for (let done = 0; done < Number(times);) {
  const before = await store.get('counter');
  const next = Buffer.from(String(Number(before === undefined ? 0 : Buffer.from(before).toString()) + 1));
  if (await store.compareAndSet('counter', before, next)) done += 1;
}
await store.close();
