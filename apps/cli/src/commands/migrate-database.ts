import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';
import { commandLogger, readSettings } from '../with-services.ts';

/** `tenon migrate`: brings the schema up to date, as every start does. */
export function migrateDatabase(cli: Cli): Command {
  return new Command('migrate')
    .description('Bring the database schema up to date. The server does it at every start.')
    .option('--json', 'print the result as JSON')
    .action(async (options: OutputOptions) => {
      const { compose } = await import('@tenon/server/composition');
      const settings = await readSettings(cli);
      const composition = await compose(settings, { logger: await commandLogger(cli, settings) });
      try {
        const { applied, total } = await composition.ready();
        const lines =
          applied.length === 0 ? [`up to date: ${total} migrations`] : applied.map((name) => `applied ${name}`);
        outputOf(cli, options).result({ applied, total }, lines);
      } finally {
        await composition.stop();
      }
    });
}
