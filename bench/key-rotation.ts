// Sealing everything anew on PostgreSQL while others read: records a second, and what the readers notice. Goal: the 99th percentile of reads
// at most twice that of an idle vault. There is no peer.
import { apiKey, credentials, type CredentialVault } from '@tenon/credentials';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { createDatabase } from '@tenon/database';
import { machine, progress, sized, type BenchResult } from './result.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const RECORDS = sized(50_000, 300);
const IDLE_READS = sized(5_000, 50);
const READERS = 4;
const place = (n: number) => ({ scope: 'org:acme', id: `key-${n}` });
const rounded = (value: number): number => Math.round(value * 100) / 100;

async function read(vault: CredentialVault, times: number[], goesOn: () => boolean): Promise<void> {
  for (let n = times.length; goesOn(); n += 7919) {
    const startedMs = performance.now();
    await vault.retrieve(place(n % RECORDS));
    times.push(performance.now() - startedMs);
  }
}

async function readers(vault: CredentialVault, goesOn: (times: readonly number[]) => boolean): Promise<number[]> {
  const times: number[] = [];
  await Promise.all(Array.from({ length: READERS }, () => read(vault, times, () => goesOn(times))));
  return times.toSorted((left, right) => left - right);
}

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;

/** Runs the bench: about a minute. */
export async function run(): Promise<BenchResult> {
  const server = await createThrowAwayDatabase();
  const database = createDatabase({ url: server.url });
  try {
    await database.migrate([credentialMigrations()]);
    const ring = KeyRing.generate({ id: 'old' });
    const storage = postgresStorage(database);
    const old = credentials().storage(storage).keys(ring).tenant('main').build();
    progress(`filling in ${RECORDS} credentials`);
    for (let from = 0; from < RECORDS; from += 1_000) {
      const entries = Array.from({ length: Math.min(1_000, RECORDS - from) }, (_, index) => ({
        reference: place(from + index),
        material: apiKey('ghp_0123456789abcdef'),
      }));
      (await old.storeMany(entries)).orThrow();
    }
    await database.maintain();
    const vault = credentials()
      .storage(storage)
      .keys(ring.rotate({ id: 'new' }))
      .tenant('main')
      .build();
    await readers(vault, (times) => times.length < IDLE_READS / 2); // warm-up
    const idle = await readers(vault, (times) => times.length < IDLE_READS);
    let isDone = false;
    const startedMs = performance.now();
    const resealing = vault.reseal().finally(() => {
      isDone = true;
    });
    const busy = await readers(vault, () => !isDone);
    const report = await resealing;
    const seconds = (performance.now() - startedMs) / 1000;
    if (report.resealed !== RECORDS) throw new Error(`${report.resealed} of ${RECORDS} were sealed anew`);
    return {
      name: 'key-rotation',
      unit: '',
      ours: {
        'records/s': Math.round(RECORDS / seconds),
        'read p99 ms, idle': rounded(p99(idle)),
        'read p99 ms, meanwhile': rounded(p99(busy)),
        'reads meanwhile/s': Math.round(busy.length / seconds),
      },
      peers: {},
      ratios: { 'read p99 meanwhile / idle': rounded(p99(busy) / p99(idle)) },
      runs: 1,
      machine: machine(),
    };
  } finally {
    await database.close();
    await server.drop();
  }
}
