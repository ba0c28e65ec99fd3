// A process of its own: stores or rotates some credentials without end, several at a time, and names each value only after it was stored.
import { writeSync } from 'node:fs';
import { apiKey, credentials } from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { CREDENTIALS, GRACE_MS, numberIn, valueOf } from './numbered-value.ts';
import { openStorage } from './open-storage.ts';

const [, , driver = '', target = '', ring = '', operation = ''] = process.argv;
const storage = await openStorage(driver, target);
const vault = credentials().storage(storage).keys(KeyRing.parse(ring)).tenant('main').defaultScope('org:acme').build();

const changeWithoutEnd = async (id: string): Promise<void> => {
  const before = await vault.retrieve({ id });
  for (let number = before === undefined ? 0 : numberIn(before.secret.reveal()) + 1; ; number += 1) {
    const material = apiKey(valueOf(number));
    if (operation === 'rotate' && number > 0) await vault.rotate({ id }, material, { graceMs: GRACE_MS });
    else await vault.store({ id }, material);
    writeSync(1, `${id} ${number}\n`);
  }
};
await Promise.all(CREDENTIALS.map(changeWithoutEnd));
