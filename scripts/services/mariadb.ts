import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDir, runPrivateServer } from './private-server.ts';
import { converse } from './probe.ts';
import { findAccount, findProgram, freePort, installDebianPackage, isRoot, type Account } from './programs.ts';
import type { Service, Start, StartOptions } from './service.ts';

const programFolders = ['/usr/sbin', '/usr/libexec', '/opt/homebrew/opt/mariadb*/bin', '/usr/local/opt/mariadb*/bin'];

/** MariaDB, 10.6 or newer, for what speaks the protocol of MySQL. Its user must be allowed to make databases and users. */
export const mariadb: Service = {
  name: 'mariadb',
  title: 'MariaDB',
  variable: 'TENON_TEST_MYSQL_URL',
  addresses: ['mysql://root@127.0.0.1:3306/mysql', 'mysql://root@127.0.0.1:23306/mysql'],
  probe: probeMariadb,
  start: startMariadb,
};

/** What {@link startMariadb} takes. */
export interface MariadbOptions extends StartOptions {
  /** More settings of the server, by their names, for example `{ 'ssl-ca': file }`. Default: none. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Starts a MariaDB of one's own on 127.0.0.1, which lets everyone of this machine in as `root`, without a password. The program comes from
 * this machine, or as root on Debian from apt.
 *
 * @param options - `dataDir` may hold the data of an earlier start
 */
export async function startMariadb(options: MariadbOptions = {}): Promise<Start> {
  const folder = findProgram('mariadbd', programFolders) ?? installMariadb();
  if (folder instanceof Error) return unavailable(folder.message);
  const account = serverAccount();
  if (account instanceof Error) return unavailable(account.message);
  const temporaryDir = options.dataDir === undefined ? makeTemporaryDir('mariadb') : undefined;
  const dataDir = options.dataDir ?? join(temporaryDir ?? '', 'data');
  const failure = prepareDataDir(dataDir, account);
  if (failure !== undefined) return unavailable(failure);
  const port = options.port ?? (await freePort());
  try {
    const server = await runPrivateServer({
      url: `mysql://root@127.0.0.1:${port}/mysql`,
      file: join(folder, 'mariadbd'),
      args: serverArguments(dataDir, port, options),
      account,
      dataDir,
      temporaryDir,
      logFile: `${dataDir}.log`,
      stopSignal: 'SIGTERM',
      outlive: options.outlive ?? false,
      probe: probeMariadb,
    });
    return { available: true, server };
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

function unavailable(reason: string): Start {
  return { available: false, reason: `MariaDB: ${reason}` };
}

function installMariadb(): string | Error {
  const failure = installDebianPackage('mariadb-server');
  return (
    findProgram('mariadbd', programFolders) ?? new Error(failure ?? 'the package mariadb-server brought no program')
  );
}

/** MariaDB refuses to run as root; anyone else runs it as oneself. */
function serverAccount(): Account | undefined | Error {
  if (!isRoot()) return undefined;
  const account = findAccount('mysql') ?? findAccount('nobody');
  return account ?? new Error('it does not run as root, and there is neither a user "mysql" nor "nobody"');
}

function prepareDataDir(dataDir: string, account: Account | undefined): string | undefined {
  if (existsSync(join(dataDir, 'mysql'))) return undefined;
  const folder = findProgram('mariadb-install-db', ['/usr/bin', ...programFolders]);
  if (folder === undefined) return 'its program mariadb-install-db is missing';
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (account !== undefined) chownSync(dataDir, account.uid, account.gid);
  const options = [
    '--no-defaults',
    `--datadir=${dataDir}`,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ];
  const made = spawnSync(join(folder, 'mariadb-install-db'), options, { cwd: dataDir, encoding: 'utf8', ...account });
  return made.status === 0 ? undefined : `mariadb-install-db failed: ${made.error?.message ?? made.stderr.trim()}`;
}

function serverArguments(dataDir: string, port: number, options: MariadbOptions): readonly string[] {
  const settings = {
    datadir: dataDir,
    port: String(port),
    'bind-address': '127.0.0.1',
    // None: the path of a socket may not be long, and that of the data may.
    socket: '',
    'pid-file': join(dataDir, 'mariadbd.pid'),
    'max-connections': '300',
    // Without it, whoever looks whether it answers is counted as one who fails to log in, and shut out after a hundred times.
    'skip-name-resolve': '1',
    'innodb-flush-log-at-trx-commit': options.fsync === true ? '1' : '0',
    ...options.settings,
  };
  return ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
}

function probeMariadb(url: string): Promise<string | undefined> {
  if (!URL.canParse(url)) return Promise.resolve('its address is no URL');
  const { hostname, port } = new URL(url);
  const host = hostname === '' ? 'localhost' : hostname.replaceAll(/[[\]]/g, '');
  // It speaks first; to log in is the driver's business.
  return converse({ host, port: port === '' ? 3306 : Number(port), hello: Buffer.alloc(0), judge: judgeGreeting });
}

/** Reads the first packet: three bytes of length, one of order, then 10 for the version of the protocol, or 255 for an error. */
function judgeGreeting(received: Buffer): 'wait' | 'usable' | { readonly reason: string } {
  if (received.length < 5) return 'wait';
  const length = received.readUIntLE(0, 3);
  if (received.length < length + 4) return 'wait';
  if (received[4] === 10) return 'usable';
  const isError = received[4] === 255;
  return { reason: isError ? received.toString('utf8', 7, length + 4) : 'what answers is neither MariaDB nor MySQL' };
}
