/**
 * Many tenants in one vault, and scopes inside of each: who sees what, and what is written down about who tried.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/multi-tenant.ts
 */
import { isCodedError, runAs } from '@tenon/core';
import { apiKey, credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { memoryAudit } from '@tenon/credentials/drivers/memory-audit';
import { KeyRing } from '@tenon/crypto';

// Without tenant(): every operation works in the tenant of the running work, and there is none that means "all".
const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).audit({ audit: memoryAudit() }).build();
const asService = <T>(tenant: string, work: () => Promise<T>): Promise<T> =>
  runAs({ tenant, actor: { type: 'system', id: 'example' } }, work);

const stripe = { scope: 'org:main/team:billing', id: 'stripe' };

// The same scope and the same id, for two customers.
await asService('acme', () => vault.store(stripe, apiKey('acme-key')));
await asService('umbrella', () => vault.store(stripe, apiKey('umbrella-key')));
for (const tenant of ['acme', 'umbrella', 'initech']) {
  const found = await asService(tenant, () => vault.retrieve(stripe));
  console.log(`${tenant} reads`, found?.secret.reveal());
}

await asService('acme', async () => {
  await vault.store({ scope: 'org:main/team:eng/service:ci', id: 'github' }, apiKey('ci-key'));

  // A view is its scope and everything below. It is what a request handler should hold, not the vault.
  const engineering = vault.within('org:main/team:eng');
  const own = await engineering.list();
  console.log('engineering lists', own.items.map(({ scope, id }) => `${scope} ${id}`).join(', '));
  console.log('engineering reads stripe:', await engineering.retrieve(stripe));
  console.log('engineering validates stripe:', (await engineering.validate(stripe)).status);
  try {
    await engineering.store(stripe, apiKey('mine-now'));
  } catch (error) {
    if (!isCodedError(error, 'CREDENTIAL_SCOPE_VIOLATION')) throw error;
    console.log('engineering overwrites stripe:', error.code);
  }

  // Every scope of this tenant, for a reason that each record of the audit repeats. Other tenants stay out of reach.
  const administrator = vault.asAdministrator('yearly review');
  const all = await administrator.list();
  console.log('administrator lists', all.items.map(({ scope, id }) => `${scope} ${id}`).join(', '));
});

try {
  await vault.retrieve(stripe);
} catch (error) {
  if (!isCodedError(error, 'TENANT_REQUIRED')) throw error;
  console.log('without a tenant:', error.code);
}

const records = await asService('acme', () => vault.auditRecords());
for (const { action, outcome, credentialId, details } of records.toReversed()) {
  console.log('audit of acme:', action, credentialId ?? '-', outcome, JSON.stringify(details));
}
await vault.close();
