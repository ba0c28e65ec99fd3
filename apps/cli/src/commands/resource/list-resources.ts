import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { formatTable } from '../../format-table.ts';
import { withResources, type ResourceCommandOptions } from '../../resources/with-resources.ts';

/** `tenon resource list`. */
export function listResources(cli: Cli): Command {
  return new Command('list')
    .description('List the resources that are declared, without connecting to any.')
    .option('--tenant <id>', 'whose they are (default: the only tenant there is)')
    .option('--json', 'print the result as JSON')
    .action(async (options: ResourceCommandOptions) => {
      const found = await withResources(cli, options, async (resources) =>
        resources.tokens().map(({ name, technology, version, definition }) => ({
          name,
          technology,
          version,
          use: definition.use,
          credentials: Object.entries(definition.credentials).map(([slot, { id }]) => `${slot}: ${id}`),
        })),
      );
      const rows = found.map(({ name, technology, use, credentials }) => [
        name,
        technology,
        use,
        credentials.join(', '),
      ]);
      const lines =
        found.length === 0
          ? ['no resources are declared: see TENON_RESOURCES_FILE']
          : formatTable(['NAME', 'TECHNOLOGY', 'USE', 'CREDENTIALS'], rows);
      outputOf(cli, options).result({ resources: found }, lines);
    });
}
