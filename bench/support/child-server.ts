import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own. */
export interface ChildServer {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts a program that reports `{ listening: url }` to its parent, in the source condition of this repository. What it prints (its
 * log) goes to a file: read by the bench, it would cost the machine that is measured.
 *
 * @param entry - file below the repository's root
 */
export async function startChildServer(
  entry: string,
  environment: Readonly<Record<string, string>>,
): Promise<ChildServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-bench-log-'));
  const log = openSync(join(folder, 'server.log'), 'a');
  const child = spawn(process.execPath, ['--conditions=@tenon/source', `${root}${entry}`], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', log, 'inherit', 'ipc'],
  });
  closeSync(log);
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { readonly listening: string }).listening));
    child.once('exit', (code) => reject(new Error(`${entry} ended with code ${code} before it listened`)));
  });
  return {
    url,
    process: child,
    async stop(): Promise<void> {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
