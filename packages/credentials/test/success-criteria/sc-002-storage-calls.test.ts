import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { apiKey } from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const CREDENTIALS = 100;
const READS = 1_000;
const references = Array.from({ length: CREDENTIALS }, (_, at) => ({ scope: 'org:acme', id: `key-${at}` }));
const place = (at: number) => references[at % CREDENTIALS] ?? { id: '' };

// How long a reading takes is measured by the bench. Here: what it consists of.
describe('a reading', () => {
  it('that the cache has makes no call of the storage, one that it has not makes exactly one', async () => {
    const { vault, storage } = openVault({ auditMode: 'none', build: (builder) => builder.cache({}) });
    await vault.storeMany(references.map((reference) => ({ reference, material: apiKey(`of ${reference.id}`) })));
    storage.reset();
    for (let read = 0; read < READS; read += 1) {
      const found = await vault.retrieve(place(read));
      expect(found?.secret.reveal()).toBe(`of key-${read % CREDENTIALS}`);
      expect(storage.calls).toHaveLength(Math.min(read + 1, CREDENTIALS));
    }
    expect(new Set(storage.calls)).toEqual(new Set(['get']));
    expect(vault.statistics().cache).toMatchObject({ hits: READS - CREDENTIALS, misses: CREDENTIALS });
  });

  it('is answered by the cache while the storage hangs', async () => {
    const { vault, storage } = openVault({ auditMode: 'none', build: (builder) => builder.cache({}) });
    await vault.store(place(0), apiKey('x'));
    await vault.retrieve(place(0));
    storage.before(() => new Promise(() => undefined));
    expect((await vault.retrieve(place(0)))?.secret.reveal()).toBe('x');
  });

  it('makes one call each time without a cache', async () => {
    const { vault, storage } = openVault({ auditMode: 'none' });
    await vault.store(place(0), apiKey('x'));
    storage.reset();
    for (let read = 0; read < 10; read += 1) await vault.retrieve(place(0));
    expect(storage.calls).toEqual(Array.from({ length: 10 }, () => 'get'));
  });
});

const root = fileURLToPath(new URL('../../../../', import.meta.url));

describe.skipIf(process.env['TENON_TEST_POSTGRES_URL'] === undefined)(
  'the bench (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    it('measures readings from the cache at the 99th percentile, readings without it, and batches', async () => {
      const parameters = ['--conditions=@tenon/source', 'bench/main.ts', 'credentials', '--json', '--quick'];
      const { stdout } = await promisify(execFile)(process.execPath, parameters, { cwd: root });
      const { ours, ratios } = JSON.parse(stdout) as Record<'ours' | 'ratios', Readonly<Record<string, number>>>;
      for (const figure of ['cached retrieve p99 µs', 'uncached retrieve/s', 'batch of 100/s', 'page of 100 p99 ms']) {
        expect(ours[figure], figure).toBeGreaterThan(0);
      }
      for (const ratio of ['cached retrieve / bare open', 'batch / 100 calls']) {
        expect(ratios[ratio], ratio).toBeGreaterThan(0);
      }
    });
  },
);
