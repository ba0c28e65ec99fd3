// The vault beside what it is made of. Cached: `retrieve` (it opens a sealed envelope each time) against a bare AES-GCM open of the same bytes;
// goals: 0.6 of its rate, p99 below 50 µs. Uncached on PostgreSQL: against the same statement in the same tenant transaction by hand
// and a bare open; goal: at most 15 % more time, ratio 0.87. A batch of 100 against 100 awaited calls; goal 5. Pages of 100 in a
// scope with 100,000 records; goal: below 10 ms each. Ratios are calls per second, ours divided by the peer's.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { runAs } from '@tenon/core';
import { apiKey, credentials, type CredentialVault } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { createDatabase } from '@tenon/database';
import { sql } from 'kysely';
import pg from 'pg';
import { interleave, machine, median, progress, sized, type BenchResult } from './result.ts';
import { collectGarbage } from './support/collect-garbage.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const RECORDS = sized(100_000, 500);
const ROUNDS = sized(7, 1);
const MILLISECONDS = sized(400, 10);
const CALLS = sized(200_000, 500);
const PAGES = sized(200, 5);
const TENANT = 'main';
const SCOPE = 'org:acme/team:eng';

const rounded = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;
const p99 = (times: readonly number[]): number =>
  times.toSorted((left, right) => left - right)[Math.floor(times.length * 0.99)] ?? Number.NaN;
const place = (n: number) => ({ scope: SCOPE, id: `key-${n}` });

interface Sealed {
  readonly nonce: Buffer;
  readonly associatedData: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

const MATERIAL = 'ghp_0123456789abcdef0123456789abcdef';

/** What a bare open costs: the same bytes as the vault's, as many of them, in pieces already, and nothing around it. */
function bareOpen(count: number): () => Buffer {
  const key = createSecretKey(randomBytes(32));
  const fullTag = { authTagLength: 16 };
  const seal = (n: number): Sealed => {
    const nonce = randomBytes(12);
    const associatedData = Buffer.from(`01 k 0a1b2c3d tenon-credential-1|${TENANT}|${SCOPE}|key-${n}|api-key|1`);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, fullTag);
    cipher.setAAD(associatedData);
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify({ key: MATERIAL })), cipher.final()]);
    return { nonce, associatedData, ciphertext, tag: cipher.getAuthTag() };
  };
  const all = Array.from({ length: count }, (_, n) => seal(n));
  let turn = 0;
  return () => {
    const { nonce, associatedData, ciphertext, tag } = all[(turn += 1) % count] as Sealed;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, fullTag);
    decipher.setAAD(associatedData);
    decipher.setAuthTag(tag);
    const opened = decipher.update(ciphertext);
    decipher.final();
    return opened;
  };
}

async function cached(): Promise<{ ours: number; bare: number; p99Us: number; bytesPerEntry: number }> {
  // As many as the cache holds by default.
  const entries = sized(1_000, 100);
  collectGarbage();
  const vault = credentials()
    .storage(memoryStorage())
    .keys(KeyRing.generate())
    .tenant(TENANT)
    .cache({ maxEntries: entries })
    .build();
  for (let n = 0; n < entries; n += 1) await vault.store(place(n), apiKey(MATERIAL));
  collectGarbage();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  for (let n = 0; n < entries; n += 1) await vault.retrieve(place(n));
  collectGarbage();
  const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  let turn = 0;
  const next = () => vault.retrieve(place((turn += 1) % entries));
  const open = bareOpen(entries);
  const rates = await interleave({ ours: next, bare: open }, { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS });
  const times = new Float64Array(CALLS);
  for (let call = 0; call < CALLS; call += 1) {
    const startedMs = performance.now();
    await next();
    times[call] = performance.now() - startedMs;
  }
  const p99Us = p99([...times]) * 1000;
  await vault.close();
  return { ...rates, p99Us, bytesPerEntry: (after - before) / entries };
}

async function fill(vault: CredentialVault): Promise<void> {
  const chunk = 1_000;
  for (let from = 0; from < RECORDS; from += chunk) {
    const entries = Array.from({ length: Math.min(chunk, RECORDS - from) }, (_, index) => ({
      reference: place(from + index),
      material: apiKey(MATERIAL),
    }));
    (await vault.storeMany(entries)).orThrow();
  }
}

/** How long each of some calls takes, in milliseconds. */
async function timesOf(calls: number, call: () => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < calls; at += 1) {
    const startedMs = performance.now();
    await call();
    times.push(performance.now() - startedMs);
  }
  return times;
}

async function onPostgres(): Promise<
  Record<'ours' | 'bare' | 'p99Ms' | 'batch' | 'single' | 'pageP99Ms' | 'pageMs', number>
> {
  const server = await createThrowAwayDatabase();
  const database = createDatabase({ url: server.url });
  const pool = new pg.Pool({ connectionString: server.url, max: 10 });
  try {
    await database.migrate([credentialMigrations()]);
    const vault = credentials().storage(postgresStorage(database)).keys(KeyRing.generate()).tenant(TENANT).build();
    progress(`filling in ${RECORDS} credentials`);
    await fill(vault);
    await database.maintain();
    const open = bareOpen(1_000);
    let turn = 0;
    const anyPlace = () => place((turn += 7919) % RECORDS);
    const bare = async (): Promise<void> => {
      const client = await pool.connect();
      const { scope, id } = anyPlace();
      await client.query(`begin; set local role tenon_tenant; set local tenon.tenant_id = '${TENANT}'`);
      const text = 'select * from credentials where tenant_id = $1 and scope = $2 and id = $3';
      await client.query({ name: 'bare', text, values: [TENANT, scope, id] });
      await client.query('commit');
      client.release();
      open();
    };
    const one = await interleave(
      { ours: () => vault.retrieve(anyPlace()), bare },
      { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS },
    );
    const misses = await timesOf(sized(5_000, 20), () => vault.retrieve(anyPlace()));
    const places = Array.from({ length: 100 }, (_, n) => place(n % RECORDS));
    const many = await interleave(
      {
        batch: () => vault.retrieveMany(places),
        single: async () => {
          for (const each of places) await vault.retrieve(each);
        },
      },
      { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS },
    );
    let after: { readonly scope: string; readonly id: string } | undefined;
    const times = await timesOf(PAGES, async () => {
      const { items } = await vault.list({ scope: 'org:acme', limit: 100, ...(after === undefined ? {} : { after }) });
      after = items.at(-1);
    });
    const { rows } = await runAs({ tenant: TENANT }, () =>
      database.withTenant((tx) => sql<{ count: number }>`select count(*) as count from credentials`.execute(tx)),
    );
    progress(`${rows[0]?.count} records are in the table`);
    return { ...one, ...many, p99Ms: p99(misses), pageMs: median(times), pageP99Ms: p99(times) };
  } finally {
    await pool.end();
    await database.close();
    await server.drop();
  }
}

/** Runs the bench: about two minutes. */
export async function run(): Promise<BenchResult> {
  const memory = await cached();
  const postgres = await onPostgres();
  return {
    name: 'credentials',
    unit: '',
    ours: {
      'cached retrieve/s': Math.round(memory.ours),
      'cached retrieve p99 µs': rounded(memory.p99Us, 1),
      'bytes per cached entry': Math.round(memory.bytesPerEntry),
      'uncached retrieve/s': Math.round(postgres.ours),
      'uncached retrieve p99 ms': rounded(postgres.p99Ms),
      'batch of 100/s': rounded(postgres.batch, 1),
      'page of 100 ms': rounded(postgres.pageMs),
      'page of 100 p99 ms': rounded(postgres.pageP99Ms),
    },
    peers: {
      'node:crypto': { 'open/s': Math.round(memory.bare) },
      'node-postgres and node:crypto': { 'query and open/s': Math.round(postgres.bare) },
      '100 awaited calls': { '100 calls/s': rounded(postgres.single, 1) },
    },
    ratios: {
      'cached retrieve / bare open': rounded(memory.ours / memory.bare),
      'uncached retrieve / query and bare open': rounded(postgres.ours / postgres.bare),
      'batch / 100 calls': rounded(postgres.batch / postgres.single),
    },
    runs: ROUNDS,
    machine: machine(),
  };
}
