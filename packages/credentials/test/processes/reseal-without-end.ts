// A process of its own: seals everything anew without end, with the first key of the ring, then with the second, and tells how far it is.
import { writeSync } from 'node:fs';
import { credentials } from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { openStorage } from './open-storage.ts';

const [, , driver = '', target = '', ring = ''] = process.argv;
const storage = await openStorage(driver, target);
const theOtherWay = ring.split(',').toReversed().join(',');
const vaults = [ring, theOtherWay].map((keys) =>
  credentials().storage(storage).keys(KeyRing.parse(keys)).tenant('main').build(),
);
for (let round = 0; ; round += 1) {
  await vaults[round % 2]?.reseal({
    onProgress: ({ resealed, total }) => void writeSync(1, `${resealed} ${total}\n`),
  });
}
