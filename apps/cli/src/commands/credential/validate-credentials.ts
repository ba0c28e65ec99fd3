import type { CredentialErrorCode, CredentialReference, CredentialVault, Validation } from '@tenon/credentials';
import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { credentialFailure } from '../../credentials/credential-failure.ts';
import { inVault, type ScopeOptions } from '../../credentials/in-vault.ts';
import { formatMoment, toJson } from '../../credentials/show-credential.ts';
import { formatTable } from '../../format-table.ts';
import { formatCount } from '../../progress-bar.ts';

const PAGE = 1_000;

const failures: Readonly<Record<Exclude<Validation['status'], 'valid'>, CredentialErrorCode>> = {
  expired: 'CREDENTIAL_EXPIRED',
  invalid: 'CREDENTIAL_INVALID',
  'not-found': 'CREDENTIAL_NOT_FOUND',
};

/** `tenon credential validate`. */
export function validateCredentials(cli: Cli): Command {
  return new Command('validate')
    .description('Judge offline whether credentials can be expected to work. The exit code is 1 when one cannot.')
    .argument('[id]', 'one credential (default: all in the scope and below it)')
    .requiredOption('--scope <scope>', 'where it lies')
    .option('--tenant <id>', 'whose it is (default: the only tenant there is)')
    .option('--json', 'print the result as JSON')
    .action(async (id: string | undefined, options: ScopeOptions) => {
      const { scope } = options;
      const found = await inVault(cli, options, (vault) =>
        id === undefined ? validateAll(vault, scope) : vault.validate({ scope, id }).then((one) => [one]),
      );
      const bad = found.flatMap(({ status }) => (status === 'valid' ? [] : [status]));
      const lines = found.length === 0 ? [`no credentials in ${scope} and below`] : toTable(found);
      outputOf(cli, options).result({ ok: bad.length === 0, validations: found.map(toJson) }, lines);
      const [first] = bad;
      if (first === undefined) return;
      const isOneKind = bad.every((status) => status === first);
      throw credentialFailure(
        isOneKind ? failures[first] : 'CREDENTIAL_INVALID',
        `${formatCount(bad.length)} of ${formatCount(found.length)} credentials cannot be used`,
      );
    });
}

/** A page at a time: what they are is looked up for all of it at once. */
async function validateAll(vault: CredentialVault, scope: string): Promise<readonly Validation[]> {
  const found: Validation[] = [];
  const validate = async (references: CredentialReference[]): Promise<void> => {
    if (references.length > 0) found.push(...(await vault.validateMany(references.splice(0))).orThrow());
  };
  const references: CredentialReference[] = [];
  for await (const info of vault.listAll({ scope, limit: PAGE })) {
    references.push({ scope: info.scope, id: info.id });
    if (references.length === PAGE) await validate(references);
  }
  await validate(references);
  return found;
}

function toTable(found: readonly Validation[]): readonly string[] {
  return formatTable(
    ['SCOPE', 'ID', 'STATUS', ''],
    found.map((one) => [one.scope, one.id, one.status, remarkOn(one)]),
  );
}

function remarkOn(one: Validation): string {
  switch (one.status) {
    case 'valid':
      return [
        ...(one.expiresAt === undefined ? [] : [`until ${formatMoment(one.expiresAt)}`]),
        ...(one.isRotationRecommended ? ['should be rotated'] : []),
      ].join(', ');
    case 'expired':
      return `on ${formatMoment(one.expiredAt)}`;
    case 'invalid':
      return one.reason;
    case 'not-found':
      return '';
    default:
      return one satisfies never;
  }
}
