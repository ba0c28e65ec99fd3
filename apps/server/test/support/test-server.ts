import { rmSync } from 'node:fs';
import { createAuth, type Auth } from '@tenon/auth';
import { newId, runAs } from '@tenon/core';
import { openTestDatabase, type TestDriver } from '@tenon/database/testing';
import {
  createLogger,
  loadSettings,
  scopesByRole,
  startServer,
  type Environment,
  type RegisterRoutes,
  type Services,
} from '@tenon/server';
import { createClient, type Client } from './client.ts';
import { newDataDirectory, newEmptyDirectory } from './data-directory.ts';

/** The password of everybody whom {@link TestServer} makes. */
export const PASSWORD = 'the heron waits at dusk';

/** By what name the servers of tests are reached, in tokens. */
export const PUBLIC_URL = 'https://tenon.test';

export type Role = 'owner' | 'admin' | 'member' | 'viewer';

/** What {@link startTestServer} takes. */
export interface TestServerOptions {
  /** Settings besides those of every test. */
  readonly environment?: Environment;
  readonly routes?: RegisterRoutes;
}

/** One line of the log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A security event, as it is logged once it is committed. */
export interface LoggedSecurityEvent {
  readonly type: string;
  readonly tenantId: string | null;
  readonly actorType: string | null;
  readonly actorId: string | null;
  readonly resource: string | null;
  readonly otherTenantId: string | null;
  readonly requestId: string | null;
}

/** An account, with what it signs in with. */
export interface TestAccount {
  readonly accountId: string;
  readonly email: string;
  readonly password: string;
}

/** A person of a tenant who is signed in. */
export interface TestPerson extends TestAccount, Client {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionId: string;
}

/** A tenant of one test. */
export interface TestTenant {
  readonly id: string;
  readonly owner: TestPerson;
  /** Adds somebody who is signed in. */
  newPerson(role: Role): Promise<TestPerson>;
  /** Makes an API key, and a client that sends it. */
  newApiKey(scopes: readonly string[]): Promise<Client & { readonly keyId: string; readonly key: string }>;
  /** Runs work of the services in the tenant. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** A server that listens on a free port, on a database of its own. */
export interface TestServer {
  readonly url: string;
  readonly services: Services;
  readonly driver: TestDriver;
  /** Sends no credentials. */
  readonly anybody: Client;
  /** Every line of the log so far. */
  readonly log: readonly LogLine[];
  /** The security events so far. Some are recorded only after the answer was sent. */
  securityEvents(which: (event: LoggedSecurityEvent) => boolean): readonly LoggedSecurityEvent[];
  newAccount(): Promise<TestAccount>;
  /** Signs an account in, by default in its first tenant. */
  signIn(
    account: TestAccount,
    tenant?: string,
  ): Promise<Client & { accessToken: string; refreshToken: string; sessionId: string }>;
  newTenant(): Promise<TestTenant>;
  /** Stops it, and removes database and files. */
  stop(): Promise<void>;
}

/** Starts a server for the tests of one file. */
export async function startTestServer(driver: TestDriver, options: TestServerOptions = {}): Promise<TestServer> {
  const place = await openPlace(driver);
  const { settings } = loadSettings({
    TENON_PORT: '0',
    TENON_BCRYPT_COST: '10',
    TENON_SAMPLE_DATA: 'false',
    TENON_OWNER_PASSWORD: PASSWORD,
    TENON_PUBLIC_URL: PUBLIC_URL,
    ...place.environment,
    ...options.environment,
  });
  const lines: LogLine[] = [];
  const logger = createLogger({
    level: 'info',
    destination: { write: (line) => void lines.push(JSON.parse(line) as LogLine) },
  });
  const server = await startServer({
    settings,
    logger,
    ...(options.routes === undefined ? {} : { routes: options.routes }),
  }).catch(async (error: unknown) => {
    await place.remove();
    throw error;
  });
  await server.ready;
  if (server.url === undefined) throw new Error('the server does not listen');
  const quick = createQuickAuth(server.services);
  return {
    ...createPeople(server.url, server.services, quick),
    url: server.url,
    services: server.services,
    driver,
    anybody: createClient(server.url),
    log: lines,
    securityEvents: (which) =>
      lines
        .map((line) => line['securityEvent'] as LoggedSecurityEvent)
        .filter((event) => event !== undefined && which(event)),
    async stop() {
      await quick.close();
      await server.stop();
      await place.remove();
    },
  };
}

interface Place {
  readonly environment: Environment;
  remove(): Promise<void>;
}

async function openPlace(driver: TestDriver): Promise<Place> {
  if (driver === 'pglite') {
    const dataDir = await newDataDirectory();
    return {
      environment: { TENON_DATA_DIR: dataDir },
      remove: async () => rmSync(dataDir, { recursive: true, force: true }),
    };
  }
  const dataDir = newEmptyDirectory();
  const test = await openTestDatabase(driver, []);
  return {
    environment: { TENON_DATA_DIR: dataDir, TENON_DATABASE_URL: test.url },
    async remove() {
      await test.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/**
 * The server's own way of signing in, on the same database and keys, with hashes that take a sixtieth of the work: what it
 * issues is as good as what the server issues.
 */
function createQuickAuth({ database, keys, kv, tenancy }: Services): Auth {
  return createAuth({
    database,
    keys,
    kv,
    issuer: PUBLIC_URL,
    audience: PUBLIC_URL,
    bcryptCost: 4,
    memberships: async (accountId) =>
      (await tenancy.membershipsOf(accountId)).map(({ tenantId, role }) => ({
        tenantId,
        role,
        scopes: scopesByRole[role],
      })),
  });
}

type People = Pick<TestServer, 'newAccount' | 'signIn' | 'newTenant'>;

// Straight to the services: how people come in over HTTP has tests of its own.
function createPeople(url: string, { auth, tenancy }: Services, quick: Auth): People {
  const newAccount: People['newAccount'] = async () => {
    const email = `${newId()}@example.com`;
    const { id } = await quick.register({ email, password: PASSWORD, name: 'Ada Lovelace' });
    return { accountId: id, email, password: PASSWORD };
  };

  const signIn: People['signIn'] = async ({ email, password }, tenant) => {
    const signedIn = await quick.signIn({ email, password, ...(tenant === undefined ? {} : { tenant }) });
    const accessToken = signedIn.accessToken.reveal();
    return {
      ...createClient(url, { authorization: `Bearer ${accessToken}` }),
      accessToken,
      refreshToken: signedIn.refreshToken.reveal(),
      sessionId: signedIn.sessionId,
    };
  };

  const newTenant: People['newTenant'] = async () => {
    const account = await newAccount();
    const { tenant, owner } = await tenancy.tenants.create({
      name: 'A tenant',
      owner: { accountId: account.accountId, email: account.email, name: 'Ada Lovelace' },
    });
    const { id } = tenant;
    const run = <T>(work: () => Promise<T>): Promise<T> =>
      runAs({ tenant: id, actor: { type: 'system', id: 'test' } }, work);
    return {
      id,
      run,
      owner: { ...account, ...(await signIn(account, id)), userId: owner.id, tenantId: id, role: 'owner' },
      async newPerson(role) {
        const joined = await newAccount();
        const { accountId, email } = joined;
        const user = await run(() => tenancy.users.create({ email, name: 'Grace Hopper', role }, { accountId }));
        return { ...joined, ...(await signIn(joined, id)), userId: user.id, tenantId: id, role };
      },
      async newApiKey(scopes) {
        const { key, apiKey } = await run(() => auth.apiKeys.create({ name: 'machine', scopes }));
        const text = key.reveal();
        return { ...createClient(url, { authorization: `Bearer ${text}` }), key: text, keyId: apiKey.id };
      },
    };
  };

  return { newAccount, signIn, newTenant };
}
