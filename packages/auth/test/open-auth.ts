import { runAs, type JsonValue, type LogFields, type Logger, type Secret } from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import { KeyRing } from '@tenon/crypto';
import type { CursorCodec, Database, ListingParameters, ListRequest } from '@tenon/database';
import { openTestDatabase, type TestDatabase, type TestDriver } from '@tenon/database/testing';
import type { KeyValueStore } from '@tenon/kv';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import {
  apiKeyListing,
  authMigrations,
  createAuth,
  type Account,
  type ApiKey,
  type Auth,
  type AuthOptions,
  type AuthSecurityEvent,
  type SignedIn,
  type TenantMembership,
} from '@tenon/auth';

export const ISSUER = 'https://tenon.test';
export const AUDIENCE = 'tenon-api';
export const PASSWORD = 'eleven purple herons';

export const cursors: CursorCodec = {
  encode: (value) => Buffer.from(JSON.stringify(value)).toString('base64url'),
  decode: (cursor) => JSON.parse(Buffer.from(cursor, 'base64url').toString()) as JsonValue,
};

/** What a list of API keys is asked for. */
export function listRequest(parameters: ListingParameters = {}): ListRequest {
  const parsed = apiKeyListing.parse(parameters, cursors);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** The newest API keys of the context's tenant. */
export async function listKeys(auth: Auth): Promise<readonly ApiKey[]> {
  return (await auth.apiKeys.list(listRequest(), cursors)).items;
}

export interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

/** A person with an account of their own. */
export interface Person {
  readonly account: Account;
  readonly email: string;
  readonly signIn: (more?: {
    password?: string;
    ip?: string;
    userAgent?: string;
    tenant?: string;
  }) => Promise<SignedIn>;
}

export interface OpenAuth {
  readonly auth: Auth;
  readonly test: TestDatabase;
  readonly clock: TestClock;
  readonly kv: KeyValueStore;
  readonly keys: KeyRing;
  readonly log: readonly LogLine[];
  readonly events: readonly AuthSecurityEvent[];
  /** Whom the next {@link AuthOptions.memberships} finds where; by default everybody is an owner of `acme`. */
  readonly members: Map<string, readonly TenantMembership[]>;
  /** A second process on the same database: its own caches. */
  another(options?: Partial<AuthOptions>): Auth;
  newPerson(password?: string): Promise<Person>;
  /** How many transactions across tenants were made for a purpose. */
  transactions(purpose: string): number;
  close(): Promise<void>;
}

const OWNER_OF_ACME: readonly TenantMembership[] = [
  { tenantId: 'acme', role: 'owner', scopes: ['orders:read', 'orders:write'] },
];

function createMemoryLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

export async function openAuth(driver: TestDriver, options: Partial<AuthOptions> = {}): Promise<OpenAuth> {
  const log: LogLine[] = [];
  const logger = createMemoryLogger(log);
  const events: AuthSecurityEvent[] = [];
  const members = new Map<string, readonly TenantMembership[]>();
  const test = await openTestDatabase(driver, [authMigrations()], { logger });
  const clock = createTestClock();
  const kv = createMemoryStore({ clock });
  const keys = KeyRing.generate();
  const opened: Auth[] = [];
  const another = (more: Partial<AuthOptions> = {}): Auth => {
    const auth = createAuth({
      database: test.database,
      keys,
      kv,
      clock,
      logger,
      issuer: ISSUER,
      audience: AUDIENCE,
      bcryptCost: 4,
      memberships: async (accountId) => members.get(accountId) ?? OWNER_OF_ACME,
      onSecurityEvent: (event) => void events.push(event),
      ...options,
      ...more,
    });
    opened.push(auth);
    return auth;
  };
  const auth = another();
  let count = 0;
  return {
    auth,
    test,
    clock,
    kv,
    keys,
    log,
    events,
    members,
    another,
    async newPerson(password = PASSWORD) {
      count += 1;
      const email = `person-${count}@example.org`;
      const account = await auth.register({ email, password, name: `Person ${count}` });
      return { account, email, signIn: (more = {}) => auth.signIn({ email, password, ...more }) };
    },
    transactions: (purpose) => log.filter(({ fields }) => fields['purpose'] === purpose).length,
    async close() {
      await Promise.all(opened.map((one) => one.close()));
      await test.drop();
    },
  };
}

/** What was thrown. */
export async function thrownBy(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

/** Runs work in a tenant, as the system or as somebody with scopes. */
export function inTenant<T>(tenant: string, work: () => Promise<T>, scopes?: readonly string[]): Promise<T> {
  const actor =
    scopes === undefined ? ({ type: 'system', id: 'test' } as const) : { type: 'user' as const, id: 'ann', scopes };
  return runAs({ tenant, actor }, work);
}

/** The parts of a JSON Web Token, decoded. */
export function decodeToken(token: Secret | string): {
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
} {
  const text = typeof token === 'string' ? token : token.reveal();
  const [header = '', payload = ''] = text.split('.');
  const parse = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  return { header: parse(header), payload: parse(payload) };
}

/** A database whose transactions across tenants pass through a function first. */
export function interceptSystem(
  database: Database,
  pass: (purpose: string, run: () => Promise<unknown>) => Promise<unknown>,
): Database {
  const intercepted: Database = new Proxy(database, {
    get(target, name) {
      if (name === 'withTables') return () => intercepted;
      if (name !== 'withSystem') return Reflect.get(target, name, target) as unknown;
      return (...given: Parameters<Database['withSystem']>) => pass(given[0], () => target.withSystem(...given));
    },
  });
  return intercepted;
}
