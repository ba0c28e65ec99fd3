import { globalScope, scopeContains, scopeKey, type ResourceScope } from '@tenon/resources';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const id = fc.constantFrom('a', 'b', 'a/b', 'a=b', '(a)', 'global', 'tenant', 'ä %2F');
const scopes: fc.Arbitrary<ResourceScope> = fc.record(
  {
    tenant: id,
    workflow: id,
    execution: id,
    action: id,
    custom: fc.record({ name: id, attributes: fc.dictionary(id, fc.constantFrom('', 'x', 'y:z', '(q)')) }),
  },
  { requiredKeys: [] },
);

describe('the text of a scope', () => {
  it('is readable', () => {
    expect(scopeKey(globalScope)).toBe('global');
    expect(scopeKey({ tenant: 'acme', workflow: 'w1' })).toBe('tenant=acme/workflow=w1');
    expect(scopeKey({ custom: { name: 'region', attributes: { b: '2', a: '1' } } })).toBe('custom=region(a:1,b:2)');
  });

  it('is the same for the same scope, and different for every other', () => {
    const normal = ({ custom, ...levels }: ResourceScope) =>
      JSON.stringify([
        ['tenant', 'workflow', 'execution', 'action'].map((level) => levels[level as keyof typeof levels] ?? null),
        custom === undefined
          ? null
          : [custom.name, Object.entries(custom.attributes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))],
      ]);
    fc.assert(
      fc.property(scopes, scopes, (left, right) => {
        expect(scopeKey(left) === scopeKey(right)).toBe(normal(left) === normal(right));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([{ tenant: '' }, { action: 'x'.repeat(256) }, { workflow: '\u{D800}' }])('refuses %o', (scope) => {
    expect(() => scopeKey(scope)).toThrow(expect.objectContaining({ code: 'RESOURCE_SCOPE_INVALID' }));
  });
});

describe('a scope contains another', () => {
  it('when it is global, the same, or above it', () => {
    const action = { tenant: 't', workflow: 'w', execution: 'e', action: 'a' };
    for (const outer of [globalScope, { tenant: 't' }, { tenant: 't', workflow: 'w' }, action]) {
      expect(scopeContains(outer, action)).toBe(true);
    }
  });

  it('never across tenants, whatever lies below', () => {
    expect(scopeContains({ tenant: 'a' }, { tenant: 'b', workflow: 'w' })).toBe(false);
    expect(scopeContains({ workflow: 'w' }, { tenant: 'a', workflow: 'v' })).toBe(false);
    expect(scopeContains({ tenant: 'a', workflow: 'w' }, { tenant: 'b', workflow: 'w' })).toBe(false);
  });

  it('not when a part above is missing in it', () => {
    expect(scopeContains({ tenant: 'a' }, { workflow: 'w' })).toBe(false);
    expect(scopeContains({ tenant: 'a' }, globalScope)).toBe(false);
    expect(scopeContains({ tenant: 'a', execution: 'e' }, { tenant: 'a', workflow: 'w' })).toBe(false);
  });

  it('of its own kind only with the same name and attributes', () => {
    const custom = { name: 'region', attributes: { at: 'eu' } };
    expect(scopeContains({ custom }, { tenant: 'a', custom: { ...custom } })).toBe(true);
    expect(scopeContains({ custom }, { custom: { name: 'region', attributes: { at: 'us' } } })).toBe(false);
    expect(scopeContains({ custom }, { custom: { name: 'region' } })).toBe(false);
    expect(scopeContains({ custom }, globalScope)).toBe(false);
  });

  it('as an order: itself, along a chain, and never both ways unless they are the same', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (one, two, three) => {
        expect(scopeContains(one, one)).toBe(true);
        const alongChain = scopeContains(one, two) && scopeContains(two, three);
        expect(!alongChain || scopeContains(one, three)).toBe(true);
        const bothWays = scopeContains(one, two) && scopeContains(two, one);
        expect(!bothWays || scopeKey(one) === scopeKey(two)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
