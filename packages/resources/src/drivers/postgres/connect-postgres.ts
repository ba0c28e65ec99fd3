import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { postgresTypes } from './postgres-types.ts';
import { requestCancel } from './request-cancel.ts';
import type { SqlConnectOptions } from '../sql/define-sql-resource.ts';
import type { SqlConnection } from '../sql/sql-connection.ts';
import type { SqlResult } from '../sql/sql-face.ts';
import type { SqlTarget } from '../sql/sql-target.ts';

const KEEP_ALIVE_DELAY_MS = 10_000;

/** Connects to a PostgreSQL. @throws what `pg` throws */
export async function connectPostgres(options: SqlConnectOptions): Promise<SqlConnection<pg.Client>> {
  const { resource, target, settings, signal, lost } = options;
  const ssl = tlsOf(target);
  // Everything is given, so that `pg` reads nothing from the environment in its place.
  const client = new pg.Client({
    host: target.address ?? target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    password: () => target.password?.reveal() ?? '',
    ssl,
    types: postgresTypes(resource, settings.bigints),
    connectionTimeoutMillis: settings.connectTimeoutMs,
    application_name: settings.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    ...(settings.statementTimeoutMs === 0 ? {} : { statement_timeout: settings.statementTimeoutMs }),
  });
  let isBroken = false;
  const breakDown = (): void => {
    isBroken = true;
    lost();
  };
  // Without a listener an error would end the process.
  client.on('error', breakDown);
  client.on('end', breakDown);
  const drop = (): void => {
    isBroken = true;
    client.connection.stream.destroy();
  };
  signal.addEventListener('abort', drop, { once: true });
  try {
    await client.connect();
    signal.throwIfAborted();
  } catch (error) {
    drop();
    throw error;
  } finally {
    signal.removeEventListener('abort', drop);
    forgetPassword(client);
  }
  return {
    client,
    system: 'postgresql',
    target,
    async run(text, values) {
      const result = await (values.length === 0 ? client.query(text) : client.query(text, [...values]));
      return toResult(result);
    },
    isBroken: () => isBroken,
    isInTransaction: () => client.getTransactionStatus() !== 'I',
    cancel: (patience) => requestCancel({ target, ssl, client, signal: patience }),
    async resetSession() {
      for (const event of ['notification', 'notice', 'drain']) client.removeAllListeners(event);
      await client.query('discard all');
      forgetStatements(client);
    },
    end: () => client.end(),
    destroy: drop,
  };
}

function toResult(result: pg.QueryResult | readonly pg.QueryResult[]): SqlResult {
  const one = Array.isArray(result) ? result.at(-1) : result;
  if (one === undefined) return { rows: [], rowCount: 0, fields: [] };
  const { rows, rowCount, fields, command }: pg.QueryResult = one;
  return {
    rows,
    rowCount: rowCount ?? 0,
    fields: fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID })),
    command,
  };
}

function tlsOf({ host, tls: { mode, ca } }: SqlTarget): false | ConnectionOptions {
  if (mode === 'disable') return false;
  // With the host the certificate is compared to it also when it is an address: else Node would compare it to "localhost".
  const name = isIP(host) === 0 ? { servername: host } : {};
  return { host, ...name, rejectUnauthorized: mode === 'verify-full', ...(ca === undefined ? {} : { ca }) };
}

/** It was needed to log in; nobody shall find it in a dump of the client. */
function forgetPassword(client: pg.Client): void {
  client.password = '';
  const parameters: unknown = Reflect.get(client, 'connectionParameters');
  if (typeof parameters === 'object' && parameters !== null) Reflect.set(parameters, 'password', '');
}

/** The server has forgotten the statements that somebody prepared through the client, and so must the client. */
function forgetStatements({ connection }: pg.Client): void {
  const statements: unknown = Reflect.get(connection, 'parsedStatements');
  if (typeof statements !== 'object' || statements === null) return;
  for (const name of Object.keys(statements)) Reflect.deleteProperty(statements, name);
}
