import { spawn, type ChildProcess } from 'node:child_process';
import { repositoryRoot } from './workspace.ts';

/** How a command ended. */
export interface CommandResult {
  /** Exit code; 127 when it could not be started, 128 + n when signal n ended it. */
  readonly code: number;
  /** What it printed, both streams in the order of arrival. Empty when it printed to this terminal. */
  readonly output: string;
  readonly durationMs: number;
}

/** What {@link runCommand} takes. */
export interface CommandOptions {
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends the command with SIGTERM. */
  readonly signal?: AbortSignal;
  /** Lets it print to this terminal instead of collecting its output. Default false. */
  readonly inherit?: boolean;
  /** Ends it with SIGKILL after so long, in milliseconds. Default: never. */
  readonly timeoutMs?: number;
}

/** Runs a command in the repository's root and waits for its end. Never rejects. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(command, args, {
      cwd: repositoryRoot,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', options.inherit ? 'inherit' : 'pipe', options.inherit ? 'inherit' : 'pipe'],
    });
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer): unknown => chunks.push(chunk);
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    const abort = (): void => void child.kill('SIGTERM');
    options.signal?.addEventListener('abort', abort, { once: true });
    const timer = options.timeoutMs && setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    const finish = (code: number, extra = ''): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      const output = Buffer.concat(chunks).toString('utf8') + extra;
      resolve({ code, output, durationMs: performance.now() - startedAt });
    };
    child.on('error', (error) => finish(127, error.message));
    child.on('close', (code, signal) => finish(code ?? (signal === null ? 1 : 128)));
    if (options.signal?.aborted) abort();
  });
}
