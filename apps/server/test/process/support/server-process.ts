import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of the server's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string; readonly level?: string };

/** A server in a process of its own. Disposing of it kills what still runs. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  /** Waits until it says where it listens. @throws when it ends before */
  listening(): Promise<string>;
  /** Waits until `/readyz` is green. @throws when it ends before */
  ready(): Promise<string>;
  /** Everything that it wrote, both streams. */
  output(): string;
  /** The lines of its log. What it writes for people is no log line and not among them. */
  log(): readonly LogLine[];
  kill(signal: NodeJS.Signals): void;
  /** Waits for its end. @throws after 30 s */
  exit(): Promise<Exit>;
}

/** What {@link startServerProcess} takes besides the settings. */
export interface ServerProcessOptions {
  /** Files to run before the program, for faults that are made inside of the process. */
  readonly preload?: readonly URL[];
}

const PATIENCE_MS = 30_000;
// A third of a start would go into compiling the same files again.
const compileCache = join(tmpdir(), 'tenon-test-compile-cache');
const program = fileURLToPath(new URL('../../../../cli/src/main.ts', import.meta.url));
const address = /https?:\/\/(?:127\.0\.0\.1|localhost|\[::1?\]|0\.0\.0\.0):\d+/;

/** Runs `tenon serve` with these settings and no others: nothing of this process's environment reaches it but the PATH. */
export function startServerProcess(
  settings: Readonly<Record<string, string>>,
  options: ServerProcessOptions = {},
): ServerProcess {
  const preload = (options.preload ?? []).flatMap((file) => ['--import', file.href]);
  const child = spawn(process.execPath, ['--conditions=@tenon/source', ...preload, program, 'serve'], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_COMPILE_CACHE: compileCache, ...settings },
    // Away from any .env file.
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: string): void => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = new Promise<Exit>((resolve) => {
    // "close" and not "exit": only then all of its output has been read.
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const assertRunning = (): void => {
    if (!isRunning()) throw new Error(`the server ended (${child.exitCode ?? child.signalCode}):\n${output}`);
  };
  const patience = { timeout: PATIENCE_MS, interval: 20 };
  // Where it tests for the end by itself, waiting must not go on after it.
  const until = async <T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> => {
    const found = await vi.waitUntil(async () => (isRunning() ? ((await find()) ?? false) : true), patience);
    if (found === true) assertRunning();
    return found as T;
  };
  const listening = (): Promise<string> => until(() => address.exec(output)?.[0]);
  return {
    pid: child.pid ?? 0,
    listening,
    async ready(): Promise<string> {
      const url = await listening();
      return until(async () => ((await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true ? url : undefined));
    },
    output: () => output,
    log: () =>
      output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as LogLine),
    kill: (signal) => void child.kill(signal),
    exit: () =>
      Promise.race([
        ended,
        new Promise<never>((_, reject) => {
          setTimeout(() => reject(new Error(`the server runs on:\n${output}`)), PATIENCE_MS).unref();
        }),
      ]),
    async [Symbol.asyncDispose](): Promise<void> {
      if (isRunning()) child.kill('SIGKILL');
      await ended;
    },
  };
}
