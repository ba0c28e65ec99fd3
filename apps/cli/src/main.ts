import { existsSync } from 'node:fs';
import process from 'node:process';
import { runCli } from './run-cli.ts';

// What the environment says already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env');

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Whoever asks twice does not want to wait for what is at hand.
    if (stop.signal.aborted) process.exit(1);
    stop.abort(name);
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
});
