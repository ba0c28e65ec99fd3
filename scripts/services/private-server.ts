import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readFileSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './programs.ts';
import type { PrivateServer } from './service.ts';

const readyTimeoutMs = 30_000;
const retryTimeoutMs = 5_000;
const stopTimeoutMs = 15_000;

/** How {@link runPrivateServer} starts and watches a server. */
export interface ServerProgram {
  readonly url: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Runs it as another user. Default: as this one. */
  readonly account?: Account | undefined;
  readonly dataDir: string;
  /** Folder to remove when the server stops. Default: none. */
  readonly temporaryDir?: string | undefined;
  readonly logFile: string;
  /** Asks it to end without waiting for its clients. */
  readonly stopSignal: NodeJS.Signals;
  readonly outlive: boolean;
  /** Resolves with undefined when it answers, or else why not. */
  probe(url: string): Promise<string | undefined>;
}

/** Makes a folder that another user can enter, below the machine's temporary folder. */
export function makeTemporaryDir(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tenon-${name}-`));
  chmodSync(folder, 0o755);
  return folder;
}

/** Starts a server and waits until it answers. @throws when it ends or stays silent, with the end of its log */
export async function runPrivateServer(program: ServerProgram): Promise<PrivateServer> {
  let child = await startAndWait(program);
  let stopped = false;
  // A test run that ends early must not leave a server behind: this runs at every exit except SIGKILL.
  const killAtExit = (): void => {
    child.kill('SIGKILL');
    removeTemporaryDir(program);
  };
  if (!program.outlive) process.on('exit', killAtExit);
  return {
    url: program.url,
    dataDir: program.dataDir,
    get pid() {
      return child.pid ?? 0;
    },
    kill9: () => end(child, 'SIGKILL'),
    async stop() {
      if (stopped) return;
      stopped = true;
      await end(child, program.stopSignal);
      process.removeListener('exit', killAtExit);
      removeTemporaryDir(program);
    },
    async restart() {
      if (stopped) throw new Error('the server was stopped, and its data may be gone: start a new one');
      await end(child, program.stopSignal);
      child = await startAndWait(program);
    },
  };
}

function removeTemporaryDir({ temporaryDir }: ServerProgram): void {
  // Children of a killed server may write for another moment.
  if (temporaryDir !== undefined) rmSync(temporaryDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

async function startAndWait(program: ServerProgram): Promise<ChildProcess> {
  const startedAt = Date.now();
  for (;;) {
    const child = launch(program);
    const reason = await untilReady(program, child, startedAt + readyTimeoutMs);
    if (reason === undefined) return child;
    await end(child, 'SIGKILL');
    // After a crash the remains of the old server (children, shared memory) take a moment to go: try again.
    if (Date.now() >= startedAt + retryTimeoutMs) {
      throw new Error(`it did not start: ${reason}\n${lastLines(program.logFile)}`);
    }
    await sleep(200);
  }
}

function launch({ file, args, account, dataDir, logFile, outlive }: ServerProgram): ChildProcess {
  const log = openSync(logFile, 'a');
  // In a group of its own: Ctrl-C in the terminal must not stop it before the tests that use it.
  const child = spawn(file, args, { cwd: dataDir, stdio: ['ignore', log, log], detached: true, ...account });
  child.on('error', () => undefined);
  closeSync(log);
  if (outlive) child.unref();
  return child;
}

async function untilReady(program: ServerProgram, child: ChildProcess, deadline: number): Promise<string | undefined> {
  for (;;) {
    if (child.pid === undefined) return `${program.file} could not be started`;
    if (hasEnded(child)) return `it ended with ${child.exitCode ?? child.signalCode}`;
    const reason = await program.probe(program.url);
    // The answer may come from another server on this port while ours is about to give up.
    if (reason === undefined && !hasEnded(child)) return undefined;
    if (Date.now() >= deadline) return reason;
    await sleep(30);
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const insist = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await gone;
  clearTimeout(insist);
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-10).join('\n');
}
