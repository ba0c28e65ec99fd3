import type { CredentialInfo } from '@tenon/credentials';
import { Command, Option } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { kindNames, type KindName } from '../../credentials/credential-kinds.ts';
import { inVault, type ScopeOptions } from '../../credentials/in-vault.ts';
import { readTags } from '../../credentials/read-tags.ts';
import { formatMoment, formatTags, toJson } from '../../credentials/show-credential.ts';
import { formatTable } from '../../format-table.ts';
import { collect } from '../../option-values.ts';

const PAGE = 1_000;

interface ListOptions extends ScopeOptions {
  readonly kind?: KindName;
  readonly tag?: readonly string[];
}

/** `tenon credential list`. */
export function listCredentials(cli: Cli): Command {
  return new Command('list')
    .description('List the credentials of a scope and of all below it, without opening any.')
    .requiredOption('--scope <scope>', 'where they lie')
    .option('--tenant <id>', 'whose they are (default: the only tenant there is)')
    .addOption(new Option('--kind <kind>', 'only those of one kind').choices([...kindNames]))
    .option('--tag <name=value>', 'only those with this tag; can be given several times', collect)
    .option('--json', 'print the result as JSON')
    .action(async (options: ListOptions) => {
      const { scope, kind } = options;
      const tags = readTags(options.tag);
      const filter = {
        scope,
        limit: PAGE,
        ...(kind === undefined ? {} : { kind }),
        ...(tags === undefined ? {} : { tags }),
      };
      const found = await inVault(cli, options, (vault) => Array.fromAsync(vault.listAll(filter)));
      const lines = found.length === 0 ? [`no credentials like that in ${scope} and below`] : toTable(found);
      outputOf(cli, options).result({ credentials: found.map(toJson) }, lines);
    });
}

const shown = (moment: Date | undefined): string => (moment === undefined ? '-' : formatMoment(moment));

function toTable(found: readonly CredentialInfo[]): readonly string[] {
  return formatTable(
    ['SCOPE', 'ID', 'KIND', 'VERSION', 'EXPIRES', 'ROTATE AFTER', 'TAGS'],
    found.map(({ scope, id, kind, version, expiresAt, rotateAfter, tags }) => [
      scope,
      id,
      kind,
      String(version),
      shown(expiresAt),
      shown(rotateAfter),
      formatTags(tags),
    ]),
  );
}
