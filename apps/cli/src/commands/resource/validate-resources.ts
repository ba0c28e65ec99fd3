import { silentLogger } from '@tenon/core';
import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { cliError } from '../../errors.ts';
import type { OutputOptions } from '../../output.ts';
import { readSettings } from '../../with-services.ts';

/** `tenon resource validate`. */
export function validateResources(cli: Cli): Command {
  return new Command('validate')
    .description(
      'Check a file that declares resources, without connecting to any. The exit code is 1 when it is wrong.',
    )
    .argument('[file]', 'the file (default: the one that the settings name)')
    .option('--json', 'print the result as JSON')
    .action(async (file: string | undefined, options: OutputOptions) => {
      const path = file ?? (await readSettings(cli)).resourcesFile;
      if (path === undefined) {
        throw cliError('USAGE_INVALID', 'name a file, or set TENON_RESOURCES_FILE');
      }
      const { openDeclaredResources } = await import('@tenon/server/composition');
      const { resources } = await openDeclaredResources({
        path,
        environment: cli.environment,
        vault: { retrieve: () => Promise.resolve(undefined) },
        logger: silentLogger,
      });
      const names = resources.tokens().map(({ name }) => name);
      await resources.close();
      const count = names.length === 1 ? '1 resource' : `${names.length} resources`;
      outputOf(cli, options).result({ ok: true, resources: names }, [`${path}  ${count}, nothing wrong`]);
    });
}
