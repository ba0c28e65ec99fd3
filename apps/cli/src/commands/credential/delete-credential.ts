import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { credentialMissing } from '../../credentials/credential-failure.ts';
import { inVault, type ScopeOptions } from '../../credentials/in-vault.ts';

/** `tenon credential delete`. */
export function deleteCredential(cli: Cli): Command {
  return new Command('delete')
    .description('Delete a credential with all its versions. The audit keeps what was done with it.')
    .argument('<id>', 'its id')
    .requiredOption('--scope <scope>', 'where it lies')
    .option('--tenant <id>', 'whose it is (default: the only tenant there is)')
    .option('--json', 'print the result as JSON')
    .action(async (id: string, options: ScopeOptions) => {
      const { scope } = options;
      if (!(await inVault(cli, options, (vault) => vault.delete({ scope, id })))) throw credentialMissing(id, scope);
      outputOf(cli, options).result({ deleted: true, scope, id }, [`deleted     ${scope}  ·  ${id}`]);
    });
}
