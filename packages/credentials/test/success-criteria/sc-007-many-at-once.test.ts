import { apiKey } from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { openVault, type OpenVaultOptions } from '../vault/support/open-vault.ts';

const scope = 'org:acme';
const references = Array.from({ length: 1_000 }, (_, at) => ({ scope, id: `id-${at}` }));

const ways: readonly [string, OpenVaultOptions][] = [
  ['without a cache', { auditMode: 'none' }],
  ['with a cache', { auditMode: 'none', build: (builder) => builder.cache({}) }],
  // Most of what is read is given up again while others still read it.
  ['with a cache that is too small', { auditMode: 'none', build: (builder) => builder.cache({ maxEntries: 50 }) }],
  ['with an audit', { auditMode: 'observe', hasBatches: true, build: (builder) => builder.cache({}) }],
];

describe('10,000 operations at once', () => {
  it.each(ways)('%s leave each credential as one of those who wrote it last left it', async (_, options) => {
    const { vault } = openVault(options);
    await vault.storeMany(references.map((reference) => ({ reference, material: apiKey('start') })));
    const failures: string[] = [];
    const work = references.flatMap((reference, index) => {
      const value = (name: string) => `${name} ${reference.id}`;
      const read = async (): Promise<void> => {
        const found = (await vault.retrieve(reference))?.secret.reveal();
        if (![undefined, 'start', value('a'), value('b')].includes(found)) failures.push(`${reference.id}: ${found}`);
      };
      return [
        read,
        async () => void (await vault.store(reference, apiKey(value('a')))),
        read,
        async () => void (index % 3 === 0 && (await vault.delete(reference))),
        read,
        async () => void (await vault.store(reference, apiKey(value('b')))),
        async () => void (await vault.validate(reference)),
        read,
        async () => void (await vault.inspect(reference)),
        async () => void (await vault.list({ scope, limit: 1, after: { scope, id: reference.id } })),
      ];
    });
    expect(work).toHaveLength(10_000);
    await Promise.all(work.map((one) => one()));
    expect(failures).toEqual([]);
    const left = (await vault.retrieveMany(references)).orThrow();
    for (const [index, one] of left.entries()) {
      const { id } = references[index] ?? { id: '' };
      expect([`a ${id}`, `b ${id}`]).toContain(one?.secret.reveal());
      // What the cache says is what the storage says.
      expect((await vault.inspect({ scope, id }))?.version).toBe(one?.version);
    }
    const versions = left.map((one) => one?.version ?? 0);
    expect(versions.filter((_one, index) => index % 3 !== 0).every((version) => version === 3)).toBe(true);
  });
});
