import { failureOf } from '@tenon/core/testing';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

describe('what all tenants share', () => {
  it('is ended, held back and resumed by the work of no tenant alone', async () => {
    const { token, made } = tracked('for-all', { isolation: 'none' });
    const { resources } = openResources({ define: [token] });
    const held = await inTenant('acme', () => resources.acquire(token));
    const acts = [
      () => resources.drain(token, { timeoutMs: 0 }),
      () => resources.drain(token, { scope: { tenant: 'umbrella' }, timeoutMs: 0 }),
      () => resources.hold(token, 'because I can'),
      () => resources.resume(token),
    ];
    for (const act of acts) {
      const failure = await failureOf(async () => inTenant('umbrella', act));
      expect(failure).toMatchObject({ code: 'RESOURCE_TENANT_MISMATCH', details: { resource: 'for-all' } });
    }
    expect(held.lease.released).toBe(false);
    await inTenant('acme', () => resources.use(token, () => undefined));
    held.lease.release();
    resources.hold(token, 'maintenance');
    expect(await failureOf(inTenant('acme', () => resources.acquire(token)))).toMatchObject({
      code: 'RESOURCE_UNAVAILABLE',
    });
    resources.resume(token);
    expect(await resources.drain(token, { timeoutMs: 0 })).toHaveLength(1);
    expect(made.length).toBeGreaterThan(0);
    await resources.close();
  });

  it('is no obstacle to a tenant that ends what is its own', async () => {
    const { token } = tracked('own');
    const { resources } = openResources({ define: [token] });
    await inTenant('acme', () => resources.use(token, () => undefined));
    await inTenant('umbrella', () => resources.use(token, () => undefined));
    expect(await inTenant('acme', () => resources.drain(token, { timeoutMs: 0 }))).toHaveLength(1);
    expect(resources.list().map(({ scope }) => scope)).toEqual(['tenant=umbrella']);
    await resources.close();
  });
});
