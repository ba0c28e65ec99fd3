import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { blocksOf, placeOf, root, type Block } from './pages.ts';
import { runnable, type World } from './replacements.ts';

/** A request that a block sent with curl. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** What one block did. */
export interface BlockRun {
  readonly block: Block;
  readonly output: string;
  /** Standard error, without the lines about requests. */
  readonly errors: string;
  readonly requests: readonly SentRequest[];
}

/** What the blocks of one page did. */
export interface PageRun {
  /** The folder that the page worked in, with the files that it wrote. */
  readonly folder: string;
  readonly blocks: readonly BlockRun[];
  /** What the server wrote that the page started; empty when it started none. */
  readonly serverOutput: string;
}

/** How a page is run. */
export interface ShellOptions extends World {
  /** Settings and variables that the page takes for granted. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that the page works in. It belongs to the caller, who also removes it. */
  readonly folder: string;
}

const TIME_LIMIT_MS = 100_000;
// Tells each request on standard error, and ends each answer with a line end.
const CURLRC = String.raw`write-out = "\n%{stderr}request %{method} %{url} %{http_code}\n"
`;

// What the reader of a page has installed, and does in a second terminal.
const PREAMBLE = String.raw`set -euo pipefail
npx() {
  if [ "$1" != tenon ]; then echo "the test knows no npx $1" >&2; return 127; fi
  shift
  node "$ROOT/apps/cli/bin/tenon.mjs" "$@"
}
npm() {
  if [ "$*" != start ]; then echo "the test knows no npm $*" >&2; return 127; fi
  (cd "$ROOT"; exec "$(type -P npm)" start) > "$HOME/server.log" 2>&1 3>&- &
  SERVER=$!
  trap 'kill $SERVER; wait $SERVER || true; cat "$HOME/server.log" >&3' EXIT
  until grep -q '^Tenon is serving' "$HOME/server.log"; do kill -0 $SERVER; sleep 0.1; done
  curl -q -sf -o /dev/null "localhost:$TENON_PORT/readyz"
  PASSWORD=$(sed -n 's/.*password shown this once: //p' "$HOME/server.log")
}
`;

/**
 * Runs the `sh` blocks of a page in one shell, with a home of its own.
 *
 * @throws when a command fails, with the block's place and what was written
 */
export async function runShellPage(page: string, options: ShellOptions): Promise<PageRun> {
  const blocks = blocksOf(page).filter(({ language }) => language === 'sh');
  const { folder } = options;
  const home = mkdtempSync(join(tmpdir(), 'tenon-docs-home-'));
  writeFileSync(join(home, '.curlrc'), CURLRC);
  const mark = `--- ${randomUUID()}`;
  const script = blocks.map((block) => `${runnable(block, options)}\necho '${mark}'; echo '${mark}' >&2\n`).join('');
  const shell = spawn('bash', ['-c', PREAMBLE + script], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      HOME: home,
      ROOT: root,
      TENON_PORT: String(options.port),
      TENON_BCRYPT_COST: '10',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const timer = setTimeout(() => endGroup(shell.pid), TIME_LIMIT_MS);
  const closed = once(shell, 'close') as Promise<[number | null]>;
  const streams = [shell.stdout, shell.stderr, shell.stdio[3]] as unknown as readonly NodeJS.ReadableStream[];
  const [stdout = '', stderr = '', serverOutput = ''] = await Promise.all(streams.map((stream) => text(stream)));
  const [code] = await closed;
  clearTimeout(timer);
  // npm ends without ending what it has started.
  endGroup(shell.pid);
  rmSync(home, { recursive: true, force: true });
  const outputs = stdout.split(`${mark}\n`);
  const errors = stderr.split(`${mark}\n`);
  const failed = code === 0 ? undefined : blocks[outputs.length - 1];
  if (failed !== undefined) {
    const at = outputs.length - 1;
    throw new Error(`${placeOf(failed)} ended with ${code}:\n${outputs[at]}\n${errors[at]}\n${serverOutput}`);
  }
  return {
    folder,
    serverOutput,
    blocks: blocks.map((block, index) => ({ block, output: outputs[index] ?? '', ...readErrors(errors[index] ?? '') })),
  };
}

/** Ends all of a process group: a shell with what it started. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readErrors(stderr: string): Pick<BlockRun, 'errors' | 'requests'> {
  const lines = stderr.split('\n');
  const requests = lines.flatMap((line) => {
    const [, method, url, status] = /^request (\S+) (\S+) (\d+)$/.exec(line) ?? [];
    if (method === undefined || url === undefined) return [];
    return [{ method, path: url.replace(/^(https?:\/\/)?[^/]+/, ''), status: Number(status) }];
  });
  return { requests, errors: lines.filter((line) => !line.startsWith('request ')).join('\n') };
}

/** A port that nobody listens on. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The answers that a block printed, one JSON document a line. */
export function answersOf({ output }: BlockRun): readonly unknown[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as unknown);
}
