import assert from 'node:assert/strict';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import { toSummary } from '../storage/to-summary.ts';
import { callOptions, listAll, placesOf, put, write, type ContractRule } from './contract-check.ts';
import { fullRecord, sampleRecord } from './sample-record.ts';

// In the order of their bytes. "-" comes before "/", "0" right after it, and upper case before lower.
const SCOPES = [
  'org:Acme',
  'org:ac',
  'org:ac/team:eng',
  'org:acme',
  'org:acme-2/team:eng',
  'org:acme/team:Eng',
  'org:acme/team:eng',
  'org:acme/team:eng/service:api',
  'org:acme/team:eng2',
  'org:acme/zone:z',
  'org:acme0',
  'org:acme_',
] as const;
const IDS = ['A', '_', 'a', 'a-b', 'b'] as const;

const inScope = (scope: string, ids: readonly string[] = IDS): readonly string[] => ids.map((id) => `${scope} ${id}`);

async function fill(storage: CredentialStorage): Promise<void> {
  // Not in their order.
  for (const id of IDS.toReversed()) {
    for (const scope of SCOPES) await write(storage, sampleRecord({ scope, id }));
  }
}

/** Lists: what is in them, in which order, and by which pages. */
export const listRules: readonly ContractRule[] = [
  {
    name: 'a list is by scope and then by id, in the order of their bytes, whatever the size of its pages',
    async check({ storage }) {
      await fill(storage);
      const all = SCOPES.flatMap((scope) => inScope(scope));
      for (const limit of [1, 7, all.length, 1_000]) {
        assert.deepEqual(placesOf(await listAll(storage, { tenant: 'acme', limit })), all);
      }
    },
  },
  {
    name: 'a list within a scope holds that scope and all below it, and no neighbour with a similar name',
    async check({ storage }) {
      await fill(storage);
      const expected: Readonly<Record<string, readonly string[]>> = {
        'org:acme': ['org:acme', ...SCOPES.filter((scope) => scope.startsWith('org:acme/'))],
        'org:acme/team:eng': ['org:acme/team:eng', 'org:acme/team:eng/service:api'],
        'org:ac': ['org:ac', 'org:ac/team:eng'],
        'org:acme-2': ['org:acme-2/team:eng'],
        'org:a': [],
        'org:acme/team': [],
      };
      for (const [within, scopes] of Object.entries(expected)) {
        const places = scopes.flatMap((scope) => inScope(scope));
        for (const limit of [2, 100]) {
          assert.deepEqual(placesOf(await listAll(storage, { tenant: 'acme', within, limit })), places, within);
        }
      }
    },
  },
  {
    name: 'a page tells whether there is another, also when it is exactly full',
    async check({ storage }) {
      await write(storage, ...['a', 'b', 'c', 'd'].map((id) => sampleRecord({ id })));
      const page = async (limit: number, after?: string) => {
        const place = after === undefined ? {} : { after: { scope: 'org:acme', id: after } };
        const { items, hasMore } = await storage.list({ tenant: 'acme', limit, ...place }, callOptions());
        return `${items.map(({ key }) => key.id).join('')}${hasMore ? '+' : ''}`;
      };
      assert.deepEqual(
        [await page(3), await page(4), await page(5), await page(2, 'b'), await page(1, 'b'), await page(4, 'd')],
        ['abc+', 'abcd', 'abcd', 'cd', 'c+', ''],
      );
    },
  },
  {
    name: 'a list goes on behind any place, whether something is there or not, within its scope or not',
    async check({ storage }) {
      await fill(storage);
      const after = (scope: string, id: string) =>
        listAll(storage, { tenant: 'acme', within: 'org:acme/team:eng', after: { scope, id }, limit: 100 });
      const [own, below] = [inScope('org:acme/team:eng'), inScope('org:acme/team:eng/service:api')];
      assert.deepEqual(placesOf(await after('org:acme/team:eng', 'a')), [...own.slice(3), ...below]);
      assert.deepEqual(placesOf(await after('org:acme/team:eng', 'a-')), [...own.slice(3), ...below]);
      assert.deepEqual(placesOf(await after('org:ac', 'b')), [...own, ...below]);
      assert.deepEqual(placesOf(await after('org:acme/team:eng-', 'x')), below);
      assert.deepEqual(placesOf(await after('org:acme/team:eng/service:api', '_')), below.slice(2));
      assert.deepEqual(placesOf(await after('org:acme/team:eng2', 'a')), []);
    },
  },
  {
    name: 'what comes and goes between two pages changes nothing about the rest',
    async check({ storage }) {
      const stay = Array.from({ length: 12 }, (_, index) => `s${String(index).padStart(2, '0')}`);
      await write(storage, ...stay.map((id) => sampleRecord({ id })));
      const seen: string[] = [];
      for (let after: string | undefined; ;) {
        const place = after === undefined ? {} : { after: { scope: 'org:acme', id: after } };
        const page = await storage.list({ tenant: 'acme', limit: 2, ...place }, callOptions());
        seen.push(...page.items.map(({ key }) => key.id));
        after = seen.at(-1) ?? '';
        if (!page.hasMore) break;
        // One before, one behind, and the one behind is taken away again on the next round.
        await write(storage, sampleRecord({ id: `a${after}` }), sampleRecord({ id: `${after}-new` }));
        await storage.delete(sampleRecord({ id: `a${after}` }).key, callOptions());
      }
      assert.deepEqual(
        seen.filter((id) => stay.includes(id)),
        stay,
      );
      assert.deepEqual(seen, [...new Set(seen)].toSorted());
    },
  },
  {
    name: 'a list shows all of a record but its envelopes',
    async check({ storage }) {
      const records = [sampleRecord({ id: 'bare' }), fullRecord({ id: 'full' })];
      await write(storage, ...records);
      const { items } = await storage.list({ tenant: 'acme', limit: 10 }, callOptions());
      assert.deepEqual(items, records.map(toSummary));
    },
  },
  {
    name: 'a list of many is whole, in pages of any size, also when one half is deleted and made anew',
    async check({ storage }) {
      const ids = Array.from({ length: 400 }, (_, index) => `id-${(index * 7_919) % 1_000_003}`);
      const records = ids.map((id) => sampleRecord({ scope: 'org:acme/service:a-rather-long-name', id }));
      for (let start = 0; start < records.length; start += 50) {
        await Promise.all(records.slice(start, start + 50).map((record) => put(storage, record)));
      }
      const all = ids.toSorted().map((id) => `org:acme/service:a-rather-long-name ${id}`);
      assert.deepEqual(placesOf(await listAll(storage, { tenant: 'acme', within: 'org:acme', limit: 70 })), all);
      const gone = new Set(ids.filter((_, index) => index % 2 === 0));
      await Promise.all(
        records.filter(({ key }) => gone.has(key.id)).map(({ key }) => storage.delete(key, callOptions())),
      );
      assert.deepEqual(
        placesOf(await listAll(storage, { tenant: 'acme', limit: 1_000 })),
        all.filter((place) => !gone.has(place.split(' ')[1] ?? '')),
      );
      await Promise.all(records.filter(({ key }) => gone.has(key.id)).map((record) => put(storage, record)));
      assert.deepEqual(placesOf(await listAll(storage, { tenant: 'acme', limit: 1_000 })), all);
    },
  },
];
