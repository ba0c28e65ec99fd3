import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { accessSync, constants, existsSync, globSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';

/** A user and group to run a program as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Whether this process may do everything. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The account of that name, or undefined where there is none. */
export function findAccount(name: string): Account | undefined {
  if (!existsSync('/etc/passwd')) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/**
 * Finds a program on the PATH or in one of some folders.
 *
 * @param patterns - further folders, `*` allowed; of several versions the highest wins
 * @returns the folder that holds it
 */
export function findProgram(name: string, patterns: readonly string[] = []): string | undefined {
  const versions = globSync([...patterns]).toSorted((left, right) =>
    right.localeCompare(left, undefined, { numeric: true }),
  );
  return [...(process.env['PATH'] ?? '').split(delimiter), ...versions].find((folder) => isProgram(join(folder, name)));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs a Debian package, as root only. The package lists are fetched only when the installation fails without.
 *
 * @returns undefined when it is installed, or else why not
 */
export function installDebianPackage(name: string): string | undefined {
  if (findProgram('apt-get') === undefined) return `it is not installed, and this machine has no apt-get`;
  if (!isRoot()) return `it is not installed; as root it would be: apt-get install ${name}`;
  console.error(`Installing the Debian package ${name} ...`);
  const install = ['install', '-y', '--no-install-recommends', name];
  if (runApt(install).status === 0) return undefined;
  runApt(['update']);
  const done = runApt(install);
  if (done.status === 0) return undefined;
  return `apt-get install ${name} failed: ${done.error?.message ?? done.stderr.trim().split('\n').at(-1) ?? ''}`;
}

function runApt(command: readonly string[]): SpawnSyncReturns<string> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', command, { encoding: 'utf8', timeout: 180_000, env });
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
