import { Command } from 'commander';
import type { FirstStart, RunningServer, Settings } from '@tenon/server';
import type { Cli } from '../cli.ts';
import { readSettings } from '../with-services.ts';

/** `tenon serve`: runs the server until it is asked to stop. */
export function serve(cli: Cli): Command {
  return new Command('serve')
    .description('Start the server. Ctrl-C stops it after running requests.')
    .action(async () => {
      const { startServer } = await import('@tenon/server');
      const settings = await readSettings(cli);
      const server = await startServer({ settings });
      try {
        const first = await Promise.race([server.ready, stopRequest(cli.signal)]);
        if (first !== 'stop') {
          cli.stdout.write(greeting(server, settings, first));
          await stopRequest(cli.signal);
        }
      } finally {
        await server.stop();
      }
    });
}

function stopRequest(signal: AbortSignal): Promise<'stop'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('stop');
    else signal.addEventListener('abort', () => resolve('stop'), { once: true });
  });
}

function greeting(server: RunningServer, settings: Settings, first: FirstStart): string {
  const database =
    settings.databaseUrl === undefined
      ? `embedded PostgreSQL in ${settings.dataDir}/`
      : 'PostgreSQL of TENON_DATABASE_URL';
  const lines =
    server.url === undefined
      ? [`Tenon is working (${settings.roles.join(', ')}), and answers no requests`.padEnd(50) + database]
      : [`Tenon is serving ${server.url}`.padEnd(50) + database, `  reference   ${server.url}/docs`];
  if (first.owner !== undefined) {
    const password =
      first.password === undefined
        ? 'with the password of TENON_OWNER_PASSWORD'
        : `password shown this once: ${first.password.reveal()}`;
    lines.push(`  sign in     ${first.owner.email}  ·  ${password}`);
  }
  if (first.sample !== undefined) {
    const { users, products, orders } = first.sample;
    lines.push(`  sample      ${users} people, ${products} products, ${orders} orders`);
  }
  return `${lines.join('\n')}\n`;
}
