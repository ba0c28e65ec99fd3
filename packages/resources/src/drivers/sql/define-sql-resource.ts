import type { CredentialSlot } from '../../credentials/credential-slots.ts';
import { defineResource } from '../../definition/define-resource.ts';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import type { HealthStatus } from '../../health/health-status.ts';
import type { ResourceToken } from '../../definition/resource-token.ts';
import { toSqlError } from './sql-failure.ts';
import { createQueries } from './sql-queries.ts';
import type { SqlConnection, SqlDialect } from './sql-connection.ts';
import type { SqlFace, SqlServerInfo } from './sql-face.ts';
import { SqlSession } from './sql-session.ts';
import {
  sqlSettingsSchema,
  type FullSqlSettings,
  type SqlOptions,
  type SqlSettings,
  type SqlSettingsSchema,
} from './sql-settings.ts';
import { checkTarget } from './check-target.ts';
import { resolveTarget, type SqlTarget } from './sql-target.ts';
import { createStatementReader } from './statement-facts.ts';
import { createStatementTelemetry } from './statement-telemetry.ts';

/** What a driver for a database brings. */
export interface SqlDriver<Client> {
  readonly dialect: SqlDialect;
  /** The protocols of its URLs, with their colon. */
  readonly protocols: readonly string[];
  readonly standardPort: number;
  /** Makes a connection that is logged in. @throws errors of the library */
  connect(options: SqlConnectOptions): Promise<SqlConnection<Client>>;
}

/** What {@link SqlDriver.connect} takes. */
export interface SqlConnectOptions {
  readonly resource: string;
  readonly target: SqlTarget;
  readonly settings: FullSqlSettings;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** To be called when the connection has ended or failed, with or without a statement. */
  readonly lost: () => void;
}

const KINDS = ['basic', 'database'] as const;

/**
 * Makes the token of a database: the way to a driver of one's own. Turns, time limits, transactions, failures, resets and telemetry are
 * the same for all of them; the driver brings connections and their dialect.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID` for a malformed name or version
 */
export function defineSqlResource<Client>(
  name: string,
  options: SqlOptions,
  driver: SqlDriver<Client>,
): ResourceToken<SqlFace<Client>, SqlSettings> {
  const { credentials, pool, health, isolation, version, clock: own, resolver, allowPrivate, ...more } = options;
  const config = { ...more, ...(allowPrivate === undefined ? {} : { allowPrivate: [...allowPrivate] }) };
  const { dialect } = driver;
  const factsOf = createStatementReader(dialect.traces);

  return defineResource<
    SqlSession<Client>,
    SqlSettingsSchema,
    SqlFace<Client>,
    Readonly<Record<string, CredentialSlot>>
  >({
    name,
    technology: dialect.technology,
    schema: sqlSettingsSchema(driver.protocols),
    config,
    hidden: ['url'],
    credentials: slotsOf(credentials),
    ...(pool === undefined ? {} : { pool }),
    ...(health === undefined ? {} : { health }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(version === undefined ? {} : { version }),
    async create({ config: given, credentials: filled, signal, logger, lost, ...context }) {
      const clock = own ?? context.clock;
      // The schema has filled in what has a default.
      const settings = given as FullSqlSettings;
      const named = resolveTarget(name, settings, filled['login'], driver.standardPort);
      const telemetry = createStatementTelemetry({
        resource: name,
        slowStatementMs: settings.slowStatementMs,
        doubleQuoted: dialect.doubleQuoted ?? 'names',
        clock,
        logger,
      });
      try {
        const target = await checkTarget(name, named, settings, { resolver, signal });
        const connection = await driver.connect({ resource: name, target, settings, signal, lost });
        return new SqlSession(connection, { resource: name, dialect, settings, clock, telemetry, factsOf });
      } catch (thrown) {
        throw toSqlError(thrown, { resource: name, dialect, phase: 'connect', isUndone: true });
      }
    },
    destroy: (session, { signal }) => session.end(signal),
    isBroken: (session) => session.isBroken,
    reset: (session) => (session.isAsNew ? undefined : session.reset()),
    check: (session, { signal }) => checkSession(session, signal),
    expose: (session, context) => faceOf(session, context),
  });
}

async function checkSession<Client>(session: SqlSession<Client>, signal: AbortSignal): Promise<HealthStatus> {
  const { connection, options } = session;
  const drop = (): void => connection.destroy();
  signal.addEventListener('abort', drop, { once: true });
  try {
    await connection.run('select 1', []);
    return { status: 'healthy' };
  } catch (thrown) {
    const { message } = toSqlError(thrown, { ...options, phase: 'statement', isUndone: true });
    return { status: 'unhealthy', reason: message, recoverable: true };
  } finally {
    signal.removeEventListener('abort', drop);
  }
}

function faceOf<Client>(session: SqlSession<Client>, context: ExposeContext): SqlFace<Client> {
  const queries = createQueries(session, context, undefined);
  return {
    ...queries,
    get client() {
      context.assertHeld();
      session.leaveTrace();
      return session.connection.client;
    },
    async serverInfo(options) {
      const { serverInfo } = session.options.dialect;
      const row = await queries.fetchOne<SqlServerInfo & object>(serverInfo, [], options);
      return { version: row?.version ?? '', database: row?.database ?? '', user: row?.user ?? '' };
    },
  };
}

function slotsOf(credentials: SqlOptions['credentials']): Readonly<Record<string, CredentialSlot>> {
  if (credentials === undefined) return {};
  const { login } = credentials;
  return { login: { kind: KINDS, ...(typeof login === 'string' ? { id: login } : login) } };
}
