import { describe, expect, it } from 'vitest';
import { arrows, domainPackages, foundationOrder } from '../boundaries.ts';

describe('the table of arrows', () => {
  it('lets a foundation package import only those before it', () => {
    for (const [index, name] of foundationOrder.entries()) {
      const before: readonly string[] = foundationOrder.slice(0, index);
      expect(before, name).toEqual(expect.arrayContaining([...(arrows[name] ?? [])]));
    }
  });

  it('lets a domain package import the foundation and no sibling', () => {
    for (const name of domainPackages) {
      expect(foundationOrder, name).toEqual(expect.arrayContaining([...(arrows[name] ?? [])]));
    }
  });

  it('lets no package import an app', () => {
    for (const name of [...foundationOrder, ...domainPackages]) {
      expect(arrows[name] ?? []).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(server|cli)$/)]));
    }
  });
});
