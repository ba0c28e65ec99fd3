import type { AuditRecord } from '@tenon/credentials';
import { Command } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { inVault, type VaultCommandOptions } from '../../credentials/in-vault.ts';
import { toJson } from '../../credentials/show-credential.ts';
import { formatTable } from '../../format-table.ts';
import { toWholeNumber } from '../../option-values.ts';

interface AuditOptions extends VaultCommandOptions {
  readonly scope?: string;
  readonly id?: string;
  readonly actor?: string;
  readonly limit?: number;
}

/** `tenon credential audit`. */
export function showAudit(cli: Cli): Command {
  return new Command('audit')
    .description('Show who did what with credentials, the newest first.')
    .option('--tenant <id>', 'whose they are (default: the only tenant there is)')
    .option('--scope <scope>', 'only those of this very scope')
    .option('--id <id>', 'only those with this id')
    .option('--actor <id>', 'only what this account, key or "cli" did')
    .option('--limit <number>', 'how many at most, 1 to 1,000 (default: 100)', toWholeNumber)
    .option('--json', 'print the result as JSON')
    .action(async (options: AuditOptions) => {
      const { scope, id, actor, limit } = options;
      const query = {
        ...(scope === undefined ? {} : { scope }),
        ...(id === undefined ? {} : { credentialId: id }),
        ...(actor === undefined ? {} : { actorId: actor }),
        ...(limit === undefined ? {} : { limit }),
      };
      const records = await inVault(cli, options, (vault) => vault.auditRecords(query));
      const shown = records.map(({ atMs, ...record }) => ({ at: new Date(atMs), ...record }));
      outputOf(cli, options).result(
        { records: shown.map(toJson) },
        records.length === 0 ? ['nothing like that is recorded'] : toTable(records),
      );
    });
}

function toTable(records: readonly AuditRecord[]): readonly string[] {
  return formatTable(
    ['TIME', 'ACTION', 'OUTCOME', 'ACTOR', 'SCOPE', 'ID', 'VERSION'],
    records.map(({ atMs, action, outcome, actor, scope, credentialId, version }) => [
      new Date(atMs).toISOString(),
      action,
      outcome,
      actor === undefined ? '-' : `${actor.type} ${actor.id}`,
      scope ?? '-',
      credentialId ?? '-',
      version === undefined ? '' : String(version),
    ]),
  );
}
