/**
 * Many tenants: instances of their own, settings of their own, no way from one to another, and quotas so that none starves the others.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/multi-tenant.ts
 */
import { isCodedError, runAs } from '@tenon/core';
import { createResources, defineResource } from '@tenon/resources';
import { Type } from 'typebox';

const inTenant = <T>(tenant: string, work: () => Promise<T>): Promise<T> =>
  runAs({ tenant, actor: { type: 'system', id: 'example' } }, work);
const codeOf = (error: unknown): unknown => (isCodedError(error) ? error.code : error);

let made = 0;
const storage = defineResource({
  name: 'storage',
  schema: Type.Object({ region: Type.String() }),
  config: { region: 'eu' },
  create: ({ config, scope }) => ({ id: (made += 1), whose: scope.tenant, region: config.region }),
});

await using resources = createResources({
  define: [storage],
  quota: (tenant) => (tenant === 'small' ? { maxLeases: 1 } : undefined), // undefined: the usual one
});
// Other settings for one tenant. Whatever lies in the scope gets them.
resources.register(storage, { scope: { tenant: 'umbrella' }, config: { region: 'us' } });

// The tenant is that of the running work: no call has to name it, and none can name another.
for (const tenant of ['acme', 'umbrella', 'acme']) {
  await inTenant(tenant, () => resources.use(storage, ({ value }) => console.log(`${tenant} has`, value)));
}

await inTenant('acme', async () => {
  const stealing = resources.acquire(storage, { tenant: 'umbrella' });
  await stealing.catch((error: unknown) => console.log('acme asks for umbrella:', codeOf(error)));
  console.log(
    'acme sees',
    resources.list().map(({ name, scope }) => `${name} of ${scope}`),
  );
});
console.log(
  'the operator sees',
  resources
    .list()
    .map(({ scope }) => scope)
    .join(', '),
);

await inTenant('small', async () => {
  await using held = await resources.acquire(storage);
  console.log('small has', held.value.id, 'and uses', resources.usage('small'));
  await resources.acquire(storage).catch((error: unknown) => console.log('small asks for more:', codeOf(error)));
});
await inTenant('acme', () => resources.use(storage, ({ value }) => console.log('acme still has', value.id)));

// A scope can be narrower. A part that is missing is never a wild card.
const job = defineResource({
  name: 'job-folder',
  isolation: 'workflow',
  create: ({ scope }) => ({ path: `/jobs/${scope.tenant}/${scope.workflow}` }),
});
resources.register(job);
await inTenant('acme', async () => {
  for (const workflow of ['import', 'export']) {
    await resources.use(job, ({ value }) => console.log('works in', value.path), { workflow });
  }
});
