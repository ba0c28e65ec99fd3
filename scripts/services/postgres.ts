import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDir, runPrivateServer } from './private-server.ts';
import { converse } from './probe.ts';
import { findAccount, findProgram, freePort, installDebianPackage, isRoot, type Account } from './programs.ts';
import type { Service, Start, StartOptions } from './service.ts';

const programFolders = ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql@*/bin', '/usr/local/pgsql/bin'];

/** PostgreSQL, 15 or newer. Tests make a database each in it, so its user must be allowed to. */
export const postgres: Service = {
  name: 'postgres',
  title: 'PostgreSQL',
  variable: 'TENON_TEST_POSTGRES_URL',
  addresses: ['postgres://postgres@127.0.0.1:5432/postgres', 'postgres://postgres@127.0.0.1:25432/postgres'],
  probe: probePostgres,
  start: startPostgres,
};

/**
 * Starts a PostgreSQL of one's own on 127.0.0.1, which lets everyone of this machine in as `postgres`. It takes 300
 * connections. The program comes from this machine, or as root on Debian from apt.
 *
 * @param options - `dataDir` may hold the data of an earlier start
 * @example
 * const started = await startPostgres({ fsync: true });
 * if (!started.available) return context.skip(started.reason);
 * await started.server.kill9();
 * await started.server.restart();
 */
export async function startPostgres(options: StartOptions = {}): Promise<Start> {
  const folder = findProgram('initdb', programFolders) ?? installPostgres();
  if (folder instanceof Error) return unavailable(folder.message);
  const account = serverAccount();
  if (account instanceof Error) return unavailable(account.message);
  const temporaryDir = options.dataDir === undefined ? makeTemporaryDir('postgres') : undefined;
  const dataDir = options.dataDir ?? join(temporaryDir ?? '', 'data');
  const failure = prepareDataDir(folder, dataDir, account);
  if (failure !== undefined) return unavailable(failure);
  const port = options.port ?? (await freePort());
  try {
    const server = await runPrivateServer({
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      file: join(folder, 'postgres'),
      args: serverArguments(dataDir, port, options.fsync ?? false),
      account,
      dataDir,
      temporaryDir,
      logFile: `${dataDir}.log`,
      // "Fast shutdown": SIGTERM would wait until the last client leaves.
      stopSignal: 'SIGINT',
      outlive: options.outlive ?? false,
      probe: probePostgres,
    });
    return { available: true, server };
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

function unavailable(reason: string): Start {
  return { available: false, reason: `PostgreSQL: ${reason}` };
}

function installPostgres(): string | Error {
  const failure = installDebianPackage('postgresql');
  const folder = findProgram('initdb', programFolders);
  return folder ?? new Error(failure ?? 'the package postgresql brought no initdb');
}

/** PostgreSQL refuses to run as root; anyone else runs it as oneself. */
function serverAccount(): Account | undefined | Error {
  if (!isRoot()) return undefined;
  const account = findAccount('postgres') ?? findAccount('nobody');
  return account ?? new Error('it does not run as root, and there is neither a user "postgres" nor "nobody"');
}

function prepareDataDir(folder: string, dataDir: string, account: Account | undefined): string | undefined {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return undefined;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (account !== undefined) chownSync(dataDir, account.uid, account.gid);
  const locale = process.platform === 'linux' ? ['--locale=C.UTF-8'] : [];
  const options = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '--no-sync', '--encoding=UTF8', ...locale];
  const made = spawnSync(join(folder, 'initdb'), options, { cwd: dataDir, encoding: 'utf8', ...account });
  return made.status === 0 ? undefined : `initdb failed: ${made.error?.message ?? made.stderr.trim()}`;
}

function serverArguments(dataDir: string, port: number, fsync: boolean): readonly string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Each test file has a database and a pool of its own, and migrations lock many tables at once.
    max_connections: '300',
    max_locks_per_transaction: '256',
    max_wal_size: '4GB',
    ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return [
    '-D',
    dataDir,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

const protocolVersion = 196_608;
const sslRequestCode = 80_877_103;

function probePostgres(url: string): Promise<string | undefined> {
  if (!URL.canParse(url)) return Promise.resolve('its address is no URL');
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const host = hostname === '' ? 'localhost' : hostname.replaceAll(/[[\]]/g, '');
  const target = { host, port: port === '' ? 5432 : Number(port) };
  if (/^(require|verify-)/.test(searchParams.get('sslmode') ?? '')) {
    return converse({ ...target, hello: sslRequest(), judge: judgeSsl });
  }
  const user = username === '' ? 'postgres' : decodeURIComponent(username);
  const hello = startupMessage(user, decodeURIComponent(pathname.slice(1)) || user);
  return converse({ ...target, hello, judge: (received) => judgeStartup(received, password !== '') });
}

function startupMessage(user: string, database: string): Uint8Array {
  const body = Buffer.from(`user\0${user}\0database\0${database}\0application_name\0tenon-probe\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length);
  head.writeInt32BE(protocolVersion, 4);
  return Buffer.concat([head, body]);
}

function sslRequest(): Uint8Array {
  const message = Buffer.alloc(8);
  message.writeInt32BE(message.length);
  message.writeInt32BE(sslRequestCode, 4);
  return message;
}

function judgeSsl(received: Buffer): 'usable' | { readonly reason: string } {
  return received.toString('latin1', 0, 1) === 'S' ? 'usable' : { reason: 'it offers no TLS' };
}

/** Reads backend messages (one type byte, four of length) up to the first that decides. */
function judgeStartup(received: Buffer, hasPassword: boolean): 'wait' | 'usable' | { readonly reason: string } {
  for (let at = 0; at + 5 <= received.length;) {
    const type = received.toString('latin1', at, at + 1);
    const end = at + 1 + received.readInt32BE(at + 1);
    if (end > received.length) return 'wait';
    if (type === 'Z') return 'usable';
    if (type === 'E') return { reason: errorText(received.toString('utf8', at + 5, end)) };
    if (type === 'R' && received.readInt32BE(at + 5) !== 0) {
      // Logging in for real is the driver's business; that it asks shows that it is up.
      return hasPassword ? 'usable' : { reason: 'it asks for a password, and the address has none' };
    }
    if (!/[A-Z]/i.test(type)) return { reason: 'what answers is not PostgreSQL' };
    at = end;
  }
  return 'wait';
}

function errorText(fields: string): string {
  const message = fields.split('\0').find((field) => field.startsWith('M'));
  return message?.slice(1) ?? 'it answers with an error';
}
