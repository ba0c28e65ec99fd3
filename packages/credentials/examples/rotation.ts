/**
 * Rotation: by hand with a grace, tried out before it counts, by a rotator when a policy asks for it, in an emergency, and back again;
 * and what a provider refreshes.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/rotation.ts
 */
import { createTestClock } from '@tenon/core/testing';
import { apiKey, credentials, oauth2, type CredentialRefresher, type CredentialRotator } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const clock = createTestClock(Date.UTC(2026, 0, 1)); // so that months pass at once

// Asks whoever issues the keys for a new one, and tries it out. The old one must go on working for its grace.
const issuer: CredentialRotator = {
  kind: 'api-key',
  rotate: async ({ version }) => apiKey(`key-${version + 1}`),
  verify: async () => undefined,
};
const provider: CredentialRefresher = {
  kind: 'oauth2',
  refresh: async () => ({
    status: 'refreshed',
    material: oauth2({ accessToken: 'access-2', refreshToken: 'refresh-2' }),
  }),
};
const vault = credentials()
  .storage(memoryStorage())
  .keys(KeyRing.generate())
  .tenant('main')
  .defaultScope('org:acme')
  .rotator(issuer)
  .refresher(provider)
  .clock(clock)
  .build();
const partner = { id: 'partner' };
const secretOf = async (version?: number): Promise<string> => {
  const found = await vault.retrieve(partner, version === undefined ? {} : { version });
  return found?.secret.reveal() ?? 'nothing';
};

await vault.store(partner, apiKey('key-1'), {
  policies: [{ type: 'periodic', intervalMs: 90 * DAY_MS, graceMs: 12 * HOUR_MS }],
});

await vault.rotate(partner, apiKey('key-2'), { graceMs: HOUR_MS });
console.log('rotated:', await secretOf(), '- version 1 still:', await secretOf(1));
await clock.advance(HOUR_MS);
console.log('an hour later, version 1:', await secretOf(1));

// A new key that does not work never comes into use.
const verify = () => Promise.reject(new Error('401 from the partner'));
await vault
  .rotate(partner, apiKey('mistyped'), { verify })
  .catch((error: Error) => console.log('failed:', error.message));
console.log('still:', await secretOf());

console.log('due now:', await vault.rotateDue());
await clock.advance(90 * DAY_MS);
console.log('due in 90 days:', await vault.rotateDue());
console.log('now:', await secretOf(), '- version 2 still:', await secretOf(2));

// It leaked: no grace, for this version and all before.
await vault.rotateNow(partner, { reason: 'emergency' });
console.log('emergency:', await secretOf(), '- version 3:', await secretOf(3), '- version 2:', await secretOf(2));

// Back to what was there before, under a new number.
const back = await vault.rollBack(partner);
console.log(`rolled back: version ${back.version} is`, await secretOf());
console.log('earlier versions:', back.previous.map(({ version }) => version).join(', '));

// What a provider issues anew is refreshed; the token before stays good for its grace, unless that is ended.
const login = { id: 'login' };
await vault.store(login, oauth2({ accessToken: 'access-1', refreshToken: 'refresh-1' }));
const refreshed = await vault.refresh(login);
const before = () => vault.retrieve(login, { version: 1 });
console.log(`refreshed: version ${refreshed.version}, the one before:`, (await before())?.secret.reveal());
await vault.revokePrevious(login);
console.log('revoked:', (await before()) ?? 'nothing');
await vault.close();
