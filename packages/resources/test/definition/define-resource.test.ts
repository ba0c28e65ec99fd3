import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource } from '@tenon/resources';
import { memoryCache, type MemoryCacheOptions } from '@tenon/resources/drivers/memory-cache';
import { describe, expect, it } from 'vitest';
import { inTenant } from '../support/open-resources.ts';

/** Options as a file may hold them, which no compiler has seen. */
const fromFile = (options: object): MemoryCacheOptions => JSON.parse(JSON.stringify(options)) as MemoryCacheOptions;

describe('a definition', () => {
  it.each(['tennant', 'Tenant', 'global', '', 'constructor', 7, null])(
    'with the isolation %j is refused: a level that is none would keep nobody apart',
    async (isolation) => {
      const failure = await failureOf(() => memoryCache('hot', fromFile({ isolation })));
      expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { option: 'isolation' } });
      expect(failure.message).toContain('tenant, workflow, execution, action or none');
    },
  );

  it('with another use than those there are is refused', async () => {
    const options = fromFile({ use: 'everybody' }) as object;
    const failure = await failureOf(() => defineResource({ name: 'x', create: () => ({}), ...options }));
    expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { option: 'use' } });
  });

  it.each(['toString', 'constructor', '__proto__'])('has no slot "%s" that it does not name', async (slot) => {
    const token = defineResource({ name: 'x', create: () => ({}) });
    await using resources = createResources();
    const credentials = JSON.parse(`{"${slot}":{"id":"y"}}`) as Record<string, { readonly id: string }>;
    const failure = await failureOf(() => resources.register(token, { credentials }));
    expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { slot } });
  });
});

describe('settings from a file', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('that name "%s" change no object but themselves', async (name) => {
    const token = memoryCache('hot');
    await using resources = createResources();
    const config = JSON.parse(`{"${name}":{"maxEntries":1,"polluted":true}}`) as object;
    const failure = await failureOf(() => resources.register(token, { config }));
    expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
  });

  it('of one tenant hold for that tenant', async () => {
    const token = memoryCache<number>('hot');
    await using resources = createResources({ define: [token] });
    await inTenant('acme', () => resources.use(token, (cache) => cache.set('__proto__', 1)));
    expect(await inTenant('umbrella', () => resources.use(token, (cache) => cache.get('__proto__')))).toBeUndefined();
    expect(await inTenant('acme', () => resources.use(token, (cache) => cache.get('__proto__')))).toBe(1);
  });
});
