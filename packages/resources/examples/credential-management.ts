/**
 * Credentials: slots that are filled before an instance is made, a rotation that nobody notices, and a revocation that everybody does.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/credential-management.ts
 */
import { isCodedError, Secret } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { createResources, defineResource, type CredentialReader } from '@tenon/resources';

// Whatever reads like this is a vault; `credentials()` of @tenon/credentials builds the real one.
const stored = new Map([['partner-key', { version: 1, material: 'key-1' }]]);
const vault: CredentialReader = {
  async retrieve({ id }) {
    const found = stored.get(id);
    if (found === undefined) return undefined;
    const { version, material } = found;
    return { kind: 'api-key', version, secret: new Secret(material), value: {}, expiresAt: undefined };
  },
};

const partner = defineResource({
  name: 'partner',
  credentials: { key: { kind: 'api-key', id: 'partner-key' } },
  create: ({ credentials }) => {
    const { secret } = credentials.key; // printed, it is [secret]
    return { call: () => `called with ${secret.reveal()}` };
  },
  // A new key is tried out here, with an instance of its own, before anybody else gets one.
  check: (client) => client.call() !== 'called with mistyped',
  expose: (client, lease) => ({
    call() {
      lease.assertHeld(); // the fence: after a revocation it throws
      return client.call();
    },
  }),
});

const clock = createTestClock(); // so that waits are over at once
await using resources = createResources({ vault, clock, define: [partner] });
resources.onEvent((event) => {
  if (event.type.startsWith('credential-')) console.log('  event:', event.type, 'slot' in event && event.slot);
});
const codeOf = (error: unknown): unknown => (isCodedError(error) ? error.code : error);

console.log('first:   ', await resources.use(partner, (face) => face.call()));

// Rotated: who has an instance finishes with the old key, the next one gets the new one, no call fails.
const early = await resources.acquire(partner);
stored.set('partner-key', { version: 2, material: 'key-2' });
await resources.credentialChanged({ id: 'partner-key', change: 'rotated' });
console.log('early:   ', early.call());
await early[Symbol.asyncDispose]();
console.log('next:    ', await resources.use(partner, (face) => face.call()));

// A key that does not work never comes into use.
stored.set('partner-key', { version: 3, material: 'mistyped' });
await resources.credentialChanged({ id: 'partner-key', change: 'rotated' });
console.log('still:   ', await resources.use(partner, (face) => face.call()));

// Revoked: when the call returns, even before its promise does, no lease is of use.
const late = await resources.acquire(partner);
stored.delete('partner-key');
const revoking = resources.credentialChanged({ id: 'partner-key', change: 'revoked' });
try {
  late.call();
} catch (error) {
  console.log('late:    ', codeOf(error), late.lease.signal.aborted);
}
await revoking;
late.lease.release();

// Without its credential nothing is made. The error names slot and id, and nothing secret.
try {
  await resources.acquire(partner);
} catch (error) {
  if (!isCodedError(error)) throw error;
  console.log('missing: ', error.code, error.details);
}

// After a failure, making instances is suspended for a moment.
await clock.advance(1_000);
stored.set('partner-key', { version: 4, material: 'key-4' });
console.log('again:   ', await resources.use(partner, (face) => face.call()));
console.log(
  'shown:   ',
  resources.list().map(({ credentials }) => credentials),
);
