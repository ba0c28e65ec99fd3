import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2';
import { resourceError } from '../../errors.ts';
import type { SqlConnectOptions } from '../sql/define-sql-resource.ts';
import type { SqlConnection } from '../sql/sql-connection.ts';
import { createMysqlRunner } from './mysql-runner.ts';

const KEEP_ALIVE_DELAY_MS = 10_000;
/** Statements that stay prepared on one connection. A server has room for 16,382 on all of its connections. */
const MAX_PREPARED = 128;

/** Connects to a MySQL or MariaDB. @throws what `mysql2` throws */
export async function connectMysql(options: SqlConnectOptions): Promise<SqlConnection<Connection>> {
  const { resource, target, settings, signal, lost } = options;
  const runner = createMysqlRunner(resource, await logIn(options, signal), settings.bigints);
  const { client } = runner;
  let isBroken = false;
  const breakDown = (): void => {
    isBroken = true;
    lost();
  };
  client.on('error', breakDown);
  client.on('end', breakDown);
  socketOf(client).on('close', breakDown);
  const destroy = (): void => {
    isBroken = true;
    socketOf(client).destroy();
  };
  try {
    const { rows } = await runner.run('select version() as version', []);
    const isMariaDb = /mariadb/i.test(JSON.stringify(rows));
    const setUp = setUpStatement(isMariaDb, settings.statementTimeoutMs);
    await runner.send(setUp);
    return {
      client,
      system: isMariaDb ? 'mariadb' : 'mysql',
      target,
      run: runner.run,
      isBroken: () => isBroken,
      isInTransaction: runner.isInTransaction,
      async cancel(patience) {
        const other = await logIn(options, patience);
        const ended = once(socketOf(other), 'close');
        const drop = (): void => void socketOf(other).destroy();
        patience.addEventListener('abort', drop, { once: true });
        try {
          await createMysqlRunner(resource, other, settings.bigints).send(`kill query ${client.threadId}`);
        } finally {
          patience.removeEventListener('abort', drop);
          other.end();
          await ended;
        }
      },
      async resetSession() {
        client.removeAllListeners('warn');
        await runner.reset();
        await runner.send(`use \`${target.database.replaceAll('`', '``')}\``);
        await runner.send(setUp);
      },
      async end() {
        if (socketOf(client).destroyed) return;
        const ended = once(socketOf(client), 'close');
        client.end();
        await ended;
      },
      destroy,
    };
  } catch (error) {
    destroy();
    throw error;
  }
}

/** A client that is logged in. */
async function logIn(options: SqlConnectOptions, signal: AbortSignal): Promise<Connection> {
  const { target, settings } = options;
  const client = createConnection({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    password: target.password?.reveal() ?? '',
    connectTimeout: settings.connectTimeoutMs,
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: ['DATE'],
    // As text, so that nothing is rounded on the way to where it is decided what becomes of it.
    supportBigNumbers: true,
    bigNumberStrings: true,
    maxPreparedStatements: MAX_PREPARED,
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    multipleStatements: false,
    // Without the first a session would be another one once the server has reset it; with the second the server could ask for files of ours.
    flags: ['-IGNORE_SPACE', '-LOCAL_FILES'],
    ...addressOf(target),
    ...tlsOf(options),
  });
  // Without a listener an error would end the process.
  client.on('error', () => undefined);
  const drop = (): void => void socketOf(client).destroy();
  signal.addEventListener('abort', drop, { once: true });
  try {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      client.connect((error) => (error === null ? resolve() : reject(error)));
    });
    signal.throwIfAborted();
    return client;
  } catch (error) {
    drop();
    throw error;
  } finally {
    signal.removeEventListener('abort', drop);
    // It was needed to log in; nobody shall find it in a dump of the client.
    for (const name of ['password', 'password1', 'passwordSha1']) Reflect.set(client.config, name, undefined);
  }
}

/** With the name as its host, as its certificate is compared to that. */
function addressOf({ address, port }: SqlConnectOptions['target']): Pick<ConnectionOptions, 'stream'> {
  if (address === undefined) return {};
  return {
    stream: () => connect({ port, host: address, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS }),
  };
}

function tlsOf({ resource, target: { host, tls } }: SqlConnectOptions): Pick<ConnectionOptions, 'ssl'> {
  const { mode, ca } = tls;
  if (mode === 'disable') return {};
  const isVerified = mode === 'verify-full';
  if (isVerified && isIP(host) !== 0) {
    // mysql2 would compare the certificate to "localhost".
    throw resourceError(
      'RESOURCE_CONFIGURATION_INVALID',
      `database "${resource}" is named by its address, and a certificate is compared to a name: give its host name, or set "tls.mode" to "require"`,
      { details: { resource } },
    );
  }
  return {
    ssl: { rejectUnauthorized: isVerified, verifyIdentity: isVerified, ...(ca === undefined ? {} : { ca }) },
  };
}

function setUpStatement(isMariaDb: boolean, statementTimeoutMs: number): string {
  const limit = isMariaDb
    ? `max_statement_time = ${statementTimeoutMs / 1_000}`
    : `max_execution_time = ${statementTimeoutMs}`;
  return `set names utf8mb4, time_zone = '+00:00', ${limit}`;
}

/** What it is connected by. With TLS that is another one than in the beginning. */
function socketOf(client: Connection): Socket {
  return Reflect.get(client, 'stream') as Socket;
}
