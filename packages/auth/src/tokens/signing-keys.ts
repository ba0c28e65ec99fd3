import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createSingleFlight } from '@tenon/core';
import { open, seal, type KeyRing } from '@tenon/crypto';
import type { Database, Tx } from '@tenon/database';
import { sql, type Selectable } from 'kysely';
import { authError } from '../errors.ts';
import type { AuthConfig } from '../resolve-options.ts';
import type { AuthTables, SigningKeyRow } from '../tables.ts';
import { CLOCK_SKEW_MS, type PublicSigningKey } from './access-claims.ts';

/** The key that signs now. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

type StoredKey = Selectable<SigningKeyRow>;

interface LoadedKeys {
  readonly atMs: number;
  /** Counts the looks at the database, in the order in which they began. */
  readonly look: number;
  readonly rows: readonly StoredKey[];
}

// How long another process may go on signing with a key that was retired.
const KEEP_LOADED_MS = 60_000;
// How soon an unknown kid makes this process look again: tokens of nobody must not become a stream of queries.
const MIN_RELOAD_MS = 1_000;

/**
 * The Ed25519 keys of access tokens (RFC 8037). They live in the database, private halves sealed, so that all processes
 * share them; the first one that needs a key makes it.
 */
export class SigningKeys {
  readonly #database: Database<AuthTables>;
  readonly #ring: KeyRing;
  readonly #config: AuthConfig;
  readonly #opened = new Map<string, KeyObject>();
  readonly #public = new Map<string, KeyObject>();
  #looks = 0;
  #loaded: LoadedKeys | undefined;
  readonly #reads = createSingleFlight<'keys', LoadedKeys>();

  /** @param ring - keys of this purpose alone */
  constructor(database: Database<AuthTables>, ring: KeyRing, config: AuthConfig) {
    this.#database = database;
    this.#ring = ring;
    this.#config = config;
  }

  /** The key to sign with. @throws `AUTH_SIGNING_KEY_UNREADABLE` */
  async current(): Promise<SigningKey> {
    let row = active(await this.#load(KEEP_LOADED_MS));
    if (row === undefined) {
      await this.#exclusively((tx) => this.#insert(tx));
      row = active(await this.#load(0));
    }
    if (row === undefined) throw authError('AUTH_SIGNING_KEY_UNREADABLE', 'there is no key to sign access tokens with');
    return { kid: row.kid, privateKey: this.#open(row) };
  }

  /** The public key of a kid, or `undefined` when no valid token can have been signed with it. */
  async find(kid: string): Promise<KeyObject | undefined> {
    const find = ({ rows }: LoadedKeys): StoredKey | undefined => rows.find((row) => row.kid === kid);
    const row = find(await this.#load(KEEP_LOADED_MS)) ?? find(await this.#load(MIN_RELOAD_MS));
    if (row === undefined || this.#isSpent(row)) return undefined;
    let key = this.#public.get(kid);
    if (key === undefined) {
      key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: row.public_x }, format: 'jwk' });
      this.#public.set(kid, key);
    }
    return key;
  }

  /** The public keys of all tokens that may be valid, the newest first. */
  async published(): Promise<readonly PublicSigningKey[]> {
    await this.current();
    const { rows } = await this.#load(MIN_RELOAD_MS);
    return rows
      .filter((row) => !this.#isSpent(row))
      .map(({ kid, public_x: x }) => ({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x }));
  }

  /** Retires the key that signs, and makes another. @returns its kid */
  async rotate(): Promise<string> {
    const kid = await this.#exclusively(async (tx) => {
      const now = new Date(this.#config.clock.now());
      await tx.updateTable('signing_keys').set({ retired_at: now }).where('retired_at', 'is', null).execute();
      return this.#insert(tx);
    });
    await this.#load(0);
    return kid;
  }

  /** Removes keys that no valid token was signed with. @returns how many */
  async purge(): Promise<number> {
    const before = new Date(this.#config.clock.now() - this.#spentAfterMs());
    const result = await this.#database.withSystem('signing-key', (tx) =>
      tx.deleteFrom('signing_keys').where('retired_at', '<', before).executeTakeFirst(),
    );
    return Number(result.numDeletedRows);
  }

  #spentAfterMs(): number {
    return this.#config.accessTokenTtlMs + CLOCK_SKEW_MS + KEEP_LOADED_MS;
  }

  #isSpent(row: StoredKey): boolean {
    return row.retired_at !== null && row.retired_at.getTime() + this.#spentAfterMs() < this.#config.clock.now();
  }

  #open(row: StoredKey): KeyObject {
    const known = this.#opened.get(row.kid);
    if (known !== undefined) return known;
    try {
      const bytes = Buffer.from(open(this.#ring, row.private_sealed, { associatedData: ['signing-key', row.kid] }));
      const key = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
      bytes.fill(0);
      this.#opened.set(row.kid, key);
      return key;
    } catch (error) {
      throw authError(
        'AUTH_SIGNING_KEY_UNREADABLE',
        `the signing key "${row.kid}" cannot be opened with the keys at hand: add the key that sealed it, or rotate the signing key`,
        { cause: error, details: { kid: row.kid } },
      );
    }
  }

  // One at a time in all processes: each sees the key that the one before it made.
  #exclusively<T>(work: (tx: Tx<AuthTables>) => Promise<T>): Promise<T> {
    return this.#database.withSystem('signing-key', async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtext('tenon_signing_keys'))`.execute(tx);
      return work(tx);
    });
  }

  async #insert(tx: Tx<AuthTables>): Promise<string> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const kid = this.#config.newId();
    const bytes = privateKey.export({ format: 'der', type: 'pkcs8' });
    const row: Selectable<SigningKeyRow> = {
      kid,
      public_x: String(publicKey.export({ format: 'jwk' }).x),
      private_sealed: seal(this.#ring, bytes, { associatedData: ['signing-key', kid] }),
      created_at: new Date(this.#config.clock.now()),
      retired_at: null,
    };
    bytes.fill(0);
    // When another process was faster, its key is the one.
    await tx
      .insertInto('signing_keys')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return kid;
  }

  #load(maxAgeMs: number): Promise<LoadedKeys> {
    const nowMs = this.#config.clock.monotonicMs();
    if (this.#loaded !== undefined && nowMs - this.#loaded.atMs < maxAgeMs) return Promise.resolve(this.#loaded);
    // What is being read already may be what was there before.
    if (maxAgeMs <= 0) this.#reads.forget('keys');
    return this.#reads.run('keys', () => this.#read(nowMs));
  }

  async #read(atMs: number): Promise<LoadedKeys> {
    const look = (this.#looks += 1);
    const rows = await this.#database.withSystem('signing-key', (tx) =>
      tx.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').orderBy('kid', 'desc').execute(),
    );
    // A look that began earlier must not bring back what it saw.
    if (this.#loaded === undefined || this.#loaded.look < look) this.#loaded = { atMs, look, rows };
    return this.#loaded;
  }
}

function active({ rows }: LoadedKeys): StoredKey | undefined {
  return rows.find((row) => row.retired_at === null);
}
