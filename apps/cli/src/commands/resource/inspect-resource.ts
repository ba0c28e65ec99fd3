import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { chosenTokens, withResources, type ResourceCommandOptions } from '../../resources/with-resources.ts';

/** `tenon resource inspect`. */
export function inspectResource(cli: Cli): Command {
  return new Command('inspect')
    .description('Connect to a resource and show everything that may be shown of it.')
    .argument('<name>', 'as it is declared')
    .option('--tenant <id>', 'whose it is (default: the only tenant there is)')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: ResourceCommandOptions) => {
      const view = await withResources(cli, options, async (resources) => {
        const [token] = chosenTokens(resources, name);
        if (token === undefined) return undefined;
        await resources.use(token, () => undefined);
        return resources.list({ token })[0];
      });
      if (view === undefined) return;
      const settings = Object.entries(view.config).map(([key, value]) => [key, JSON.stringify(value)] as const);
      const slots = Object.entries(view.credentials).map(
        ([slot, { id, version }]) => [`credential ${slot}`, `${id}, version ${version ?? '-'}`] as const,
      );
      const rows = [
        ['name', view.name],
        ['technology', view.technology],
        ['state', view.state],
        ['use', view.use],
        ...settings,
        ...slots,
        ['instances', `${view.pool.size} of ${view.pool.max} at most`],
      ] as const;
      const width = rows.reduce((widest, [label]) => Math.max(widest, label.length), 0);
      outputOf(cli, options).result(
        { resource: view },
        rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`),
      );
    });
}
