import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { toError } from '@tenon/core';
import { runCli } from './run-cli.ts';

// A third of what a short command takes is reading its own sources. Where the folder cannot be written, they are read anew.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/tenon/compiled', import.meta.url)));

// What the environment says already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env');

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Whoever presses Ctrl-C twice does not want to wait for what is at hand; a supervisor may repeat itself.
    if (stop.signal.aborted && name === 'SIGINT') process.exit(1);
    stop.abort(name);
  });
}

// Nobody knows what state a fault like this leaves behind: say so, let running work end, and go.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown: unknown) => {
    process.exitCode = 1;
    stop.abort(event);
    void logFault(toError(thrown), event);
  });
}

// Waiting for a database that is down must not look like having nothing left to do.
const keepAlive = setInterval(() => undefined, 60_000);
const exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
});
clearInterval(keepAlive);
process.exitCode ??= exitCode;
// What could not be closed in time, such as a statement that hangs in the database, must not hold the process.
setTimeout(() => process.exit(), 500).unref();

async function logFault(err: Error, event: string): Promise<void> {
  const { createLogger } = await import('@tenon/server/composition');
  createLogger({ level: 'error' }).error({ err }, event);
}
