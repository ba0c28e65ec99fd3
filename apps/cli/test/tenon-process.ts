import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** What a command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface RunOptions {
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input. Default: nothing. */
  readonly input?: string;
  /** Makes it believe that it writes to a terminal. */
  readonly terminal?: boolean;
}

/** A folder of a test's own, in which the command runs with an embedded database. */
export interface Home {
  readonly folder: string;
  readonly dataDir: string;
  /** Runs `tenon` to its end. */
  tenon(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts `tenon` and leaves it running. */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  /** Another folder with the same database, keys and files. Nothing may be running. */
  copy(): Home;
  remove(): void;
}

/** A file of the folder `fixtures`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** Makes a folder with nothing in it. */
export function newHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-cli-'));
  const dataDir = join(folder, '.tenon');
  const start: Home['start'] = (args, { env = {}, terminal = false } = {}) => {
    const pretend = terminal ? ['--import', 'data:text/javascript,process.stderr.isTTY=true'] : [];
    return spawn(process.execPath, ['--conditions=@tenon/source', ...pretend, main, ...args], {
      cwd: folder,
      // Nothing of whoever runs the tests, whose settings could be meant for another database.
      env: { PATH: process.env['PATH'], TENON_PORT: '0', TENON_BCRYPT_COST: '10', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  };
  return {
    folder,
    dataDir,
    start,
    async tenon(args, options = {}): Promise<Finished> {
      const child = start(args, options);
      const exit = once(child, 'close');
      child.stdin?.end(options.input ?? '');
      const [stdout, stderr] = await Promise.all([text(child.stdout as never), text(child.stderr as never)]);
      const [code] = (await exit) as [number | null];
      return { code, stdout, stderr };
    },
    copy(): Home {
      const other = newHome();
      cpSync(folder, other.folder, { recursive: true });
      return other;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
