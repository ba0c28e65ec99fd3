import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import { allTenants } from '../choose-tenant.ts';
import type { OutputOptions } from '../output.ts';
import { withServices } from '../with-services.ts';

/** `tenon tenant list`. */
export function listTenants(cli: Cli): Command {
  return new Command('list')
    .description('List the tenants.')
    .option('--json', 'print the result as JSON')
    .action((options: OutputOptions) =>
      withServices(cli, async ({ services }) => {
        const tenants = await allTenants(services);
        const width = Math.max(0, ...tenants.map(({ id }) => id.length));
        const lines = tenants.map(
          ({ id, name, status }) => `${id.padEnd(width)}  ${name}${status === 'active' ? '' : `  (${status})`}`,
        );
        outputOf(cli, options).result(
          { tenants },
          lines.length > 0
            ? lines
            : ['no tenants yet: "tenon tenant create" makes one, and so does the first "tenon serve"'],
        );
      }),
    );
}
