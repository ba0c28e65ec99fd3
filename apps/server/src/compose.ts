import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, toError, type Logger } from '@tenon/core';
import { authMigrations, createAuth, type Auth, type AuthSecurityEvent } from '@tenon/auth';
import type { KeyRing } from '@tenon/crypto';
import { createDatabase, type Database, type MigrationReport, type MigrationSet } from '@tenon/database';
import type { KeyValueStore } from '@tenon/kv';
import { createPostgresStore, kvMigrations } from '@tenon/kv/drivers/postgres';
import { createTenancy, tenancyMigrations, type Tenancy } from '@tenon/tenancy';
import { credentialMigrations } from '@tenon/credentials/drivers/postgres';
import { createTrading, tradingMigrations } from '@tenon/trading';
import { openCredentialVault } from './credential-vault.ts';
import { createCursorCodec } from './cursor-codec.ts';
import { serverError } from './errors.ts';
import { loadKeys, type LoadedKeys } from './keys.ts';
import { scopesByRole } from './roles.ts';
import { toSecurityEvent } from './security-events.ts';
import { serverMigrations } from './server-migrations.ts';
import { openDeclaredResources } from './resources/declared-resources.ts';
import type { Environment } from './settings/load-settings.ts';
import type { Services } from './services.ts';
import type { Settings } from './settings/settings.ts';
import { tenantSettingsDefinition, type TenantSettings } from './tenant-settings.ts';

const DAY_MS = 86_400_000;
// Requests have ended by then: what is still borrowed was forgotten.
const CLOSE_RESOURCES_MS = 1_000;

/** What {@link compose} gives. */
export interface Composition {
  readonly services: Services;
  readonly keys: LoadedKeys;
  /** Waits for the database and brings its schema up to date. */
  ready(): Promise<MigrationReport>;
  /** Stops everything, in reverse order. Idempotent. */
  stop(): Promise<void>;
}

/** What {@link compose} takes besides the settings. */
export interface ComposeOptions {
  /** Default: silent. */
  readonly logger?: Logger;
  /** Makes keys when there are none. Default `true`. */
  readonly createKeys?: boolean;
  /** By what name the API is reached, for tokens. Default: from the settings. */
  readonly publicUrl?: string;
  /** Variables for the settings of declared resources. Default: those of the process. */
  readonly environment?: Environment;
}

/** The migrations of every package, in order of dependence. */
export function allMigrations(): readonly MigrationSet[] {
  return [
    kvMigrations(),
    tenancyMigrations(),
    authMigrations(),
    credentialMigrations(),
    tradingMigrations(),
    serverMigrations(),
  ];
}

/**
 * Builds every service once, in order, without reaching for anything yet: the database may still be down.
 *
 * @throws `KEYS_INVALID`, `SETTINGS_INVALID`, `RESOURCES_INVALID`
 */
export async function compose(settings: Settings, options: ComposeOptions = {}): Promise<Composition> {
  const logger = options.logger ?? silentLogger;
  const keys = loadKeys(settings, { create: options.createKeys ?? true });
  const database = createDatabase(databaseOptions(settings, logger));
  const kv = await openKeyValueStore(settings, database, logger);
  const tenancy: Tenancy<TenantSettings> = createTenancy({ database, settings: tenantSettingsDefinition, logger });
  const auth = openAuth(settings, { keys: keys.keys, database, kv: kv.store, tenancy, logger }, options.publicUrl);
  const vault = openCredentialVault(settings, database, keys.keys, logger);
  const closeAll = async (): Promise<void> => {
    await auth.close();
    await vault.close();
    await kv.close();
    await database.close();
  };
  const resources = await openDeclaredResources({
    path: settings.resourcesFile,
    environment: options.environment ?? process.env,
    vault,
    logger,
  }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  const services: Services = {
    keys: keys.keys,
    database,
    kv: kv.store,
    tenancy,
    auth,
    credentials: vault,
    resources,
    trading: createTrading({ database, logger }),
    cursors: createCursorCodec(keys.keys.subring('cursor')),
  };
  let stopping: Promise<void> | undefined;
  return {
    services,
    keys,
    async ready(): Promise<MigrationReport> {
      await database.ready();
      return database.migrate(allMigrations());
    },
    stop(): Promise<void> {
      stopping ??= (async () => {
        await resources.resources.close({ timeoutMs: CLOSE_RESOURCES_MS });
        await closeAll();
      })();
      return stopping;
    },
  };
}

interface AuthParts {
  readonly keys: KeyRing;
  readonly database: Database;
  readonly kv: KeyValueStore;
  readonly tenancy: Tenancy<TenantSettings>;
  readonly logger: Logger;
}

function openAuth(settings: Settings, parts: AuthParts, publicUrl: string | undefined): Auth {
  const { tenancy } = parts;
  // A port that the system chooses is another one after a restart, which access tokens outlive.
  const address = settings.port === 0 ? 'http://localhost' : `http://localhost:${settings.port}`;
  const issuer = publicUrl ?? settings.publicUrl ?? address;
  return createAuth({
    database: parts.database,
    keys: parts.keys,
    kv: parts.kv,
    logger: parts.logger,
    issuer,
    audience: issuer,
    bcryptCost: settings.bcryptCost,
    hashConcurrency: settings.signInConcurrency,
    accessTokenTtlMs: settings.accessTokenMinutes * 60_000,
    refreshIdleMs: settings.sessionIdleDays * DAY_MS,
    refreshAbsoluteMs: settings.sessionMaxDays * DAY_MS,
    refreshReuseGraceMs: settings.refreshReuseGraceMs,
    memberships: async (accountId) =>
      (await tenancy.membershipsOf(accountId)).map(({ tenantId, role }) => ({
        tenantId,
        role,
        scopes: scopesByRole[role],
      })),
    onSecurityEvent: (event) => recordSecurityEvent(tenancy, event),
  });
}

function databaseOptions(settings: Settings, logger: Logger): Parameters<typeof createDatabase>[0] {
  if (settings.databaseUrl === undefined) {
    return { dataDir: join(settings.dataDir, 'database'), acquireTimeoutMs: settings.databaseAcquireTimeoutMs, logger };
  }
  return {
    url: settings.databaseUrl,
    poolMax: settings.databasePool,
    acquireTimeoutMs: settings.databaseAcquireTimeoutMs,
    statementTimeoutMs: settings.databaseStatementTimeoutMs,
    connectDeadlineMs: settings.databaseConnectDeadlineMs,
    preparedStatements: settings.databasePreparedStatements,
    logger,
    ...(settings.databaseCaFile === undefined
      ? {}
      : { tls: { mode: 'verify-full', ca: readCertificate(settings.databaseCaFile) } }),
  };
}

function readCertificate(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw certificateRefused(`cannot be read: ${toError(error).message}`);
  }
  // Node would take any other file without a word, and trust nobody.
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw certificateRefused('holds no certificate in PEM form');
  return text;
}

function certificateRefused(problem: string): Error {
  return serverError('SETTINGS_INVALID', `the settings are wrong:\n  TENON_DATABASE_CA_FILE: ${problem}`);
}

async function openKeyValueStore(
  settings: Settings,
  database: Database,
  logger: Logger,
): Promise<{ readonly store: KeyValueStore; close(): Promise<void> }> {
  if (settings.redisUrl === undefined) {
    const store = createPostgresStore({ database, logger });
    return { store, close: () => store.close() };
  }
  const [{ Redis }, { createRedisStore }] = await Promise.all([import('ioredis'), import('@tenon/kv/drivers/redis')]);
  const client = new Redis(settings.redisUrl.reveal(), { lazyConnect: true, keyPrefix: 'tenon:' });
  const store = createRedisStore({ client, logger });
  return {
    store,
    async close(): Promise<void> {
      await store.close();
      client.disconnect();
    },
  };
}

async function recordSecurityEvent(tenancy: Tenancy<TenantSettings>, event: AuthSecurityEvent): Promise<void> {
  const translated = toSecurityEvent(event);
  if (translated !== undefined) await tenancy.securityEvents.record(translated);
}
