import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own. */
export interface ChildServer {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts a program that prints `listening <url>` on its own line, in the source condition of this repository.
 *
 * @param entry - file below the repository's root
 */
export async function startChildServer(
  entry: string,
  environment: Readonly<Record<string, string>>,
): Promise<ChildServer> {
  const child = spawn(process.execPath, ['--conditions=@tenon/source', `${root}${entry}`], {
    env: { ...process.env, ...environment },
    // The channel is for the bench that asks how much memory is held.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'] as const,
  });
  const { stdout } = child;
  if (stdout === null) throw new Error(`${entry} has no output to read`);
  const lines = createInterface({ input: stdout });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      // What it prints further (its log) is read and dropped, as a log collector would.
      if (line.startsWith('listening ')) resolve(line.slice('listening '.length));
    });
    child.once('exit', (code) => reject(new Error(`${entry} ended with code ${code} before it listened`)));
  });
  return {
    url,
    process: child,
    async stop(): Promise<void> {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
