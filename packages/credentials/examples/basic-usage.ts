/**
 * Store a credential, use it, look at it without opening it, list, replace, delete.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/basic-usage.ts
 */
import { isCodedError } from '@tenon/core';
import { apiKey, basic, credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';

const github = { scope: 'org:acme/team:eng', id: 'github' };
const registry = { scope: 'org:acme/team:eng', id: 'registry' };

// Storage and keys are all that a vault needs. A program without tenants of its own names one here.
const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main').build();

await vault.store(github, apiKey('ghp_1234'), { tags: { env: 'production' }, description: 'Reads releases' });
const found = await vault.retrieve(github);
console.log('printed: ', String(found?.secret));
console.log('revealed:', found?.secret.reveal());

// A kind given to `retrieve` types what comes back, and refuses anything else.
await vault.store(registry, basic('deploy', 'pw-5678'));
const login = await vault.retrieve(registry, { kind: basic });
console.log('user:    ', login?.value.username);

// Nothing is opened for this: what a vault says of a credential holds no secret.
const info = await vault.inspect(github);
console.log('known:   ', info?.kind, `version ${info?.version}`, info?.tags, info?.description);

for await (const item of vault.listAll({ scope: 'org:acme' })) console.log('listed:  ', item.scope, item.id);

// Many at once: each for itself, in the order in which they were asked for.
const both = await vault.retrieveMany([registry, { ...github, id: 'nothing' }]);
console.log(
  'together:',
  both.orThrow().map((one) => one?.kind),
);

// Of two who read version 1 and replace it, one is told.
await vault.store(github, apiKey('ghp_9999'), { mode: 'replace', expectedVersion: 1 });
try {
  await vault.store(github, apiKey('ghp_8888'), { mode: 'replace', expectedVersion: 1 });
} catch (error) {
  if (!isCodedError(error, 'CREDENTIAL_VERSION_CONFLICT')) throw error;
  console.log('refused: ', error.code, 'it is at version', error.details['actual']);
}

console.log('deleted: ', await vault.delete(github));
console.log('now:     ', await vault.retrieve(github));
console.log('deleted: ', (await vault.deleteMany([github, registry])).orThrow());
await vault.close();
