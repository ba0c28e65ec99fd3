import { existsSync } from 'node:fs';
import process from 'node:process';
import { toError } from '@tenon/core';
import { createLogger } from '@tenon/server';
import { runCli } from './run-cli.ts';

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
    createLogger({ level: 'error' }).error({ err: toError(thrown) }, event);
    process.exitCode = 1;
    stop.abort(event);
  });
}

const exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
});
process.exitCode ??= exitCode;
