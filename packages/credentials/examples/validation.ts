/**
 * What a vault says of a credential without opening it and without asking anybody: valid, about to end, expired, missing, not usable.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/validation.ts
 */
import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { apiKey, credentials, defineKind, type Validation } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { Type } from 'typebox';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);
const clock = createTestClock(START_MS); // so that weeks pass at once

// A kind of one's own: what it must look like, and what of it is secret.
const smtp = defineKind({
  name: 'smtp',
  schema: Type.Object({ host: Type.String({ pattern: '^[a-z0-9.-]+$' }), password: Type.String({ minLength: 8 }) }),
  from: (host: string, password: string) => ({ host, password }),
  secret: ({ password }) => password,
  value: ({ host }) => ({ host }),
});
const storage = memoryStorage();
const keys = KeyRing.generate();
const vault = credentials()
  .storage(storage)
  .keys(keys)
  .tenant('main')
  .defaultScope('org:acme')
  .kind(smtp)
  .clock(clock)
  .build();
const show = (validation: Validation): void => {
  const advice = validation.status === 'valid' && validation.isRotationRecommended ? ', rotation recommended' : '';
  const reason = validation.status === 'invalid' ? `: ${validation.reason}` : '';
  console.log(`day ${(clock.now() - START_MS) / DAY_MS}: ${validation.id} is ${validation.status}${advice}${reason}`);
};

// Before anything is stored: everything that is wrong, and nothing of what was given.
try {
  await vault.store({ id: 'mail' }, smtp('not a host', 'short'));
} catch (error) {
  if (!isCodedError(error, 'CREDENTIAL_INVALID')) throw error;
  console.log(error.code, JSON.stringify(error.details['problems']));
}

await vault.store({ id: 'mail' }, smtp('mail.acme.example', 'long enough'));
await vault.store({ id: 'partner' }, apiKey('1234'), { expiresAt: new Date(clock.now() + 40 * DAY_MS) });
await vault.store({ id: 'github' }, apiKey('ghp_1234'), { policies: [{ type: 'periodic', intervalMs: 35 * DAY_MS }] });

const everything = [{ id: 'mail' }, { id: 'partner' }, { id: 'github' }, { id: 'nobody' }];
for (const days of [0, 31, 9]) {
  await clock.advance(days * DAY_MS);
  for (const validation of (await vault.validateMany(everything)).orThrow()) show(validation);
}

// What has expired is not handed out by accident.
try {
  await vault.retrieve({ id: 'partner' });
} catch (error) {
  if (!isCodedError(error, 'CREDENTIAL_EXPIRED')) throw error;
  console.log(error.code, error.details['expiredAt']);
}
const expired = await vault.retrieve({ id: 'partner' }, { allowExpired: true });
console.log('on purpose:', expired?.secret.reveal());

// A vault that was built without the kind can say so.
const other = credentials().storage(storage).keys(keys).tenant('main').defaultScope('org:acme').clock(clock).build();
show(await other.validate({ id: 'mail' }));

// What has ended, or will within a month.
const { items } = await vault.list({ expiresBefore: new Date(clock.now() + 30 * DAY_MS) });
console.log('ended, or will in 30 days:', items.map(({ id }) => id).join(', '));
await vault.close();
