import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { credentialMissing } from '../../credentials/credential-failure.ts';
import { inVault, type ScopeOptions } from '../../credentials/in-vault.ts';
import { credentialLines, formatMoment, toJson } from '../../credentials/show-credential.ts';
import { toWholeNumber } from '../../option-values.ts';

interface GetOptions extends ScopeOptions {
  readonly reveal?: boolean;
  readonly atVersion?: number;
}

/** `tenon credential get`. */
export function getCredential(cli: Cli): Command {
  return new Command('get')
    .description('Show what is known of a credential; with --reveal its secret, and nothing else.')
    .argument('<id>', 'its id')
    .requiredOption('--scope <scope>', 'where it lies')
    .option('--tenant <id>', 'whose it is (default: the only tenant there is)')
    .option('--reveal', 'print the secret alone, to be piped on; the audit keeps that it was read')
    .option(
      '--at-version <number>',
      'with --reveal: an earlier version in its grace (default: the current one)',
      toWholeNumber,
    )
    .option('--json', 'print the result as JSON; with --reveal the fields beside the secret as well')
    .action((id: string, options: GetOptions) => (options.reveal === true ? reveal : show)(cli, id, options));
}

async function show(cli: Cli, id: string, options: GetOptions): Promise<void> {
  const { scope } = options;
  const info = await inVault(cli, options, (vault) => vault.inspect({ scope, id }));
  if (info === undefined) throw credentialMissing(id, scope);
  outputOf(cli, options).result({ credential: toJson(info) }, credentialLines(info));
}

async function reveal(cli: Cli, id: string, options: GetOptions): Promise<void> {
  const { scope, atVersion: version } = options;
  const found = await inVault(cli, options, (vault) =>
    vault.retrieve({ scope, id }, { allowExpired: true, ...(version === undefined ? {} : { version }) }),
  );
  if (found === undefined) throw credentialMissing(id, scope);
  const output = outputOf(cli, options);
  const { expiresAt } = found;
  if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) {
    output.note(`! it expired on ${formatMoment(expiresAt)}`);
  }
  const secret = found.secret.reveal();
  output.result({ credential: { ...toJson(found), secret } }, [secret]);
}
