import { apiKey } from '@tenon/credentials';
import { expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const CREDENTIALS = 200;
const STEPS = 12_000;
const references = Array.from({ length: CREDENTIALS }, (_, at) => ({ scope: 'org:acme', id: `id-${at}` }));

it('a cache answers more than 80 % of the readings where five come with one change', async () => {
  const { vault } = openVault({ auditMode: 'none', build: (builder) => builder.cache({}) });
  const values = new Map(references.map(({ id }) => [id, `value of ${id}`]));
  const entries = references.map((reference) => ({ reference, material: apiKey(`value of ${reference.id}`) }));
  (await vault.storeMany(entries)).orThrow();
  const next = zipfian(CREDENTIALS, seeded(7));
  const stale: string[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const reference = references[next()] ?? { id: '' };
    if (step % 6 === 0) {
      values.set(reference.id, `value-${step}`);
      await vault.store(reference, apiKey(`value-${step}`));
    } else {
      const found = await vault.retrieve(reference);
      if (found?.secret.reveal() !== values.get(reference.id)) stale.push(reference.id);
    }
  }
  expect(stale).toEqual([]);
  const { hits = 0, misses = 0, hitRate } = vault.statistics().cache ?? {};
  expect(hits + misses).toBe((STEPS / 6) * 5);
  expect(hitRate).toBe(hits / (hits + misses));
  expect(hitRate).toBeGreaterThan(0.8);
});

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Places from 0, each as often as its rank says. */
function zipfian(count: number, random: () => number): () => number {
  const weights = Array.from({ length: count }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return () => {
    let left = random() * total;
    const place = weights.findIndex((weight) => (left -= weight) < 0);
    return place === -1 ? count - 1 : place;
  };
}
