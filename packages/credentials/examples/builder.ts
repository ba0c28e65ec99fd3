/**
 * Everything a vault can be built with, here on files: `build()` is there once storage and keys are.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/builder.ts
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCodedError, silentLogger } from '@tenon/core';
import { apiKey, bearer, credentials, type CredentialRotator, type CredentialSource } from '@tenon/credentials';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { memoryAudit } from '@tenon/credentials/drivers/memory-audit';
import { KeyRing } from '@tenon/crypto';

// A builder never changes: each step gives another one. So a part of it can be kept, and used for several vaults.
const begun = credentials().tenant('main').defaultScope('org:acme');
try {
  // @ts-expect-error -- storage and keys are missing: TypeScript has no build() here, and JavaScript is told when it runs
  begun.build();
} catch (error) {
  if (!isCodedError(error, 'CREDENTIALS_OPTIONS_INVALID')) throw error;
  console.log(error.message);
}

// Where credentials live that somebody else manages: asked for what the storage does not hold, and never written to.
const handedOut: CredentialSource = {
  name: 'handed-out',
  get: async ({ id }) => (id === 'partner' ? { material: apiKey('from-elsewhere') } : undefined),
  close: async () => undefined,
};

// Makes new bearer tokens at whoever issues them; here it counts.
const issuer: CredentialRotator = {
  kind: 'bearer',
  rotate: async ({ id, version }) => bearer(`${id}-token-${version + 1}`),
};

const directory = await mkdtemp(join(tmpdir(), 'credentials-'));
const keys = KeyRing.generate({ id: '2026-01' });
const build = (ring: KeyRing) =>
  begun
    .storage(fileStorage({ directory }))
    .keys(ring) // the first key seals, any opens
    .cache({ maxEntries: 500, eviction: 'lfu' })
    .cacheTtl(60_000)
    .audit({ audit: memoryAudit(), mode: 'required', timeoutMs: 2_000 }) // nothing happens that cannot be recorded
    .source(handedOut)
    .rotator(issuer)
    .refreshing({ beforeExpiryMs: 120_000 })
    .batchConcurrency(20)
    .operationTimeout(3_000)
    .logger(silentLogger) // or pino
    .retry({ attempts: 5, baseDelayMs: 20, maxDelayMs: 500 })
    .build();

const vault = build(keys);
const results = await vault.storeMany([
  { reference: { id: 'github' }, material: apiKey('ghp_1234') },
  { reference: { id: 'not an id' }, material: apiKey('lost') },
  { reference: { id: 'api' }, material: bearer('api-token-1') },
]);
for (const item of results.items) console.log(item.reference.id, item.ok ? 'stored' : item.error.code);
console.log('rotated to version', (await vault.rotateNow({ id: 'api' })).version);
const partner = await vault.retrieve({ id: 'partner' });
console.log('partner:', partner?.secret.reveal(), 'of', partner?.origin?.source);
await vault.close();

// What lies on the disk tells which credentials there are, and not what they are.
for (const name of (await readdir(directory)).filter((file) => file.endsWith('.json'))) {
  const text = await readFile(join(directory, name), 'utf8');
  console.log(name, text.includes('ghp_1234') || text.includes('api-token') ? 'IN PLAIN' : 'sealed');
}

// Another key in front, and everything is sealed with it. The old one can leave then.
const changed = build(keys.rotate({ id: '2026-02' }));
const { resealed, total, unreadableCount } = await changed.reseal();
console.log(`sealed anew: ${resealed} of ${total}, unreadable: ${unreadableCount}`);
console.log('sealed with', (await changed.inspect({ id: 'api' }))?.keyIds);
console.log('opened:', (await changed.retrieve({ id: 'github' }))?.secret.reveal());
await changed.close();
await rm(directory, { recursive: true });
