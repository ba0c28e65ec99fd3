// A process of its own: replaces some credentials without end, several at a time, and names each value only after it was stored.
import { writeSync } from 'node:fs';
import { apiKey, credentials } from '@tenon/credentials';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { openDatabase } from '@tenon/database';
import { CREDENTIALS, numberIn, valueOf } from './numbered-value.ts';

const [, , driver, target = '', ring = ''] = process.argv;
const storage =
  driver === 'file' ? fileStorage({ directory: target }) : postgresStorage(await openDatabase({ url: target }));
const vault = credentials().storage(storage).keys(KeyRing.parse(ring)).tenant('main').defaultScope('org:acme').build();

const replaceWithoutEnd = async (id: string): Promise<void> => {
  const before = await vault.retrieve({ id });
  for (let number = before === undefined ? 0 : numberIn(before.secret.reveal()) + 1; ; number += 1) {
    await vault.store({ id }, apiKey(valueOf(number)));
    writeSync(1, `${id} ${number}\n`);
  }
};
await Promise.all(CREDENTIALS.map(replaceWithoutEnd));
