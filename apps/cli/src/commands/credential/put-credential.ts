import { Command, Option } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { kindNames, type KindName } from '../../credentials/credential-kinds.ts';
import { inVault, type ScopeOptions } from '../../credentials/in-vault.ts';
import { readMaterial, toMaterial, type MaterialOptions } from '../../credentials/read-material.ts';
import { readTags } from '../../credentials/read-tags.ts';
import { toJson, writtenLine } from '../../credentials/show-credential.ts';
import { collect, toDurationMs, toMoment } from '../../option-values.ts';

const HELP = `
The secret is never an argument, where every process of the machine could read it: it comes from standard input, or with all
fields of the kind from a JSON file. Fields beside the secret: basic has username; database has host, port, database and
username; oauth2 has tokenType, scopes and expiresAt; key-pair has publicKey; certificate has certificate; signing-key has
algorithm.`;

interface PutOptions extends ScopeOptions, MaterialOptions {
  readonly kind: KindName;
  readonly expires?: Date;
  readonly tag?: readonly string[];
  readonly description?: string;
  readonly rotateEvery?: number;
  readonly create?: boolean;
  readonly replace?: boolean;
}

/** `tenon credential put`. */
export function putCredential(cli: Cli): Command {
  return new Command('put')
    .description('Store a credential, sealed. What was there before is gone; to keep it for a while, rotate instead.')
    .argument('<id>', '1 to 255 letters, digits, "_" or "-"')
    .requiredOption('--scope <scope>', 'where it lies, as org:acme/team:eng')
    .addOption(new Option('--kind <kind>', 'what it is made of').choices([...kindNames]).makeOptionMandatory())
    .option('--tenant <id>', 'whose it is (default: the only tenant there is)')
    .option('--secret-stdin', 'read the secret from standard input')
    .option('--field <name=value>', 'a field beside the secret; can be given several times', collect)
    .addOption(
      new Option('--file <file>', 'read all fields from a JSON file, or from standard input where it is "-"').conflicts(
        ['secretStdin', 'field'],
      ),
    )
    .option(
      '--expires <time>',
      'when it ends, in ISO 8601 (default: what it says itself, as a certificate does)',
      toMoment,
    )
    .option('--tag <name=value>', 'a tag; can be given several times (default: those there were)', collect)
    .option('--description <text>', 'what it is for (default: the one there was)')
    .option(
      '--rotate-every <time>',
      'when it should be rotated, as 90d (default: the policies there were)',
      toDurationMs,
    )
    .addOption(new Option('--create', 'fail when there is one already').conflicts('replace'))
    .option('--replace', 'fail when there is none')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (id: string, options: PutOptions) => {
      const tags = readTags(options.tag);
      const material = await toMaterial(options.kind, await readMaterial(cli, options));
      const info = await inVault(cli, options, (vault) =>
        vault.store({ scope: options.scope, id }, material, {
          mode: options.create === true ? 'create' : options.replace === true ? 'replace' : 'upsert',
          ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
          ...(tags === undefined ? {} : { tags }),
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.rotateEvery === undefined
            ? {}
            : { policies: [{ type: 'periodic', intervalMs: options.rotateEvery }] }),
        }),
      );
      outputOf(cli, options).result({ credential: toJson(info) }, [writtenLine(info)]);
    });
}
