import { runCommand } from '../run-command.ts';

/**
 * Starts services of compose.yaml and waits until they are healthy.
 *
 * @returns undefined when they run, or else why not
 */
export async function composeUp(names: readonly string[], signal?: AbortSignal): Promise<string | undefined> {
  const options = signal === undefined ? {} : { signal };
  const engine = await runCommand('docker', ['info', '--format', '{{.ServerVersion}}'], {
    ...options,
    timeoutMs: 5_000,
  });
  if (engine.code !== 0) return 'no Docker engine answers';
  console.error(`Starting ${names.join(' and ')} with Docker Compose ...`);
  const up = await runCommand('docker', ['compose', 'up', '-d', '--wait', '--quiet-pull', ...names], {
    ...options,
    timeoutMs: 240_000,
  });
  return up.code === 0 ? undefined : `docker compose failed: ${up.output.trim().split('\n').at(-1) ?? ''}`;
}

/** Stops services of compose.yaml and removes their containers. */
export async function composeDown(names: readonly string[]): Promise<void> {
  await runCommand('docker', ['compose', 'rm', '--stop', '--force', ...names], { timeoutMs: 60_000 });
}
