import type { CredentialInfo, CredentialVault } from '@tenon/credentials';
import { Command, Option } from 'commander';
import { outputOf, type Cli } from '../../cli.ts';
import { credentialFailure, credentialMissing } from '../../credentials/credential-failure.ts';
import { isKindName, type KindName } from '../../credentials/credential-kinds.ts';
import { inVault, type ScopeOptions } from '../../credentials/in-vault.ts';
import {
  plainFieldsOf,
  readMaterial,
  toMaterial,
  type GivenMaterial,
  type MaterialOptions,
} from '../../credentials/read-material.ts';
import { formatMoment, toJson, writtenLine } from '../../credentials/show-credential.ts';
import { collect, toDurationMs, toMoment } from '../../option-values.ts';

interface RotateOptions extends ScopeOptions, MaterialOptions {
  readonly expires?: Date;
  readonly grace?: number;
  readonly emergency?: boolean;
}

// What belongs to one secret alone does not go with the next one.
const renewedFields: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  'key-pair': ['publicKey'],
  certificate: ['certificate'],
};

/** `tenon credential rotate`. */
export function rotateCredential(cli: Cli): Command {
  return new Command('rotate')
    .description(
      'Put a new secret in the place of the old, which can be revealed by its version until its grace is over.',
    )
    .argument('<id>', 'its id')
    .requiredOption('--scope <scope>', 'where it lies')
    .option('--tenant <id>', 'whose it is (default: the only tenant there is)')
    .option('--secret-stdin', 'read the new secret from standard input; the fields beside it stay')
    .option('--field <name=value>', 'a new field beside the secret; can be given several times', collect)
    .addOption(
      new Option(
        '--file <file>',
        'read all fields from a JSON file, or from standard input where it is "-"; tokens of OAuth need it',
      ).conflicts(['secretStdin', 'field']),
    )
    .option('--expires <time>', 'when the new one ends, in ISO 8601 (default: what it says itself)', toMoment)
    .option(
      '--grace <time>',
      'how long the old one stays readable, as 1h (default: as its policies say, or 1d)',
      toDurationMs,
    )
    .addOption(new Option('--emergency', 'end all earlier versions at once').conflicts('grace'))
    .option('--json', 'print the result as JSON')
    .action(async (id: string, options: RotateOptions) => {
      const given = await readMaterial(cli, options);
      const info = await inVault(cli, options, (vault) => rotate(vault, id, given, options));
      const old = info.previous.find(({ graceUntil }) => graceUntil !== undefined);
      outputOf(cli, options).result({ credential: toJson(info) }, [
        writtenLine(info),
        old?.graceUntil === undefined
          ? 'earlier     no longer readable'
          : `earlier     version ${old.version} until ${formatMoment(old.graceUntil)}`,
      ]);
    });
}

async function rotate(
  vault: CredentialVault,
  id: string,
  given: GivenMaterial,
  options: RotateOptions,
): Promise<CredentialInfo> {
  const reference = { scope: options.scope, id };
  const present = await vault.inspect(reference);
  if (present === undefined) throw credentialMissing(id, options.scope);
  const { kind, version } = present;
  if (!isKindName(kind)) throw credentialFailure('CREDENTIAL_KIND_UNKNOWN', `this command knows no kind "${kind}"`);
  if (kind === 'oauth2' && 'secret' in given) {
    const why = 'the refresh token would be lost: give all tokens with --file';
    throw credentialFailure('CREDENTIAL_ROTATION_IMPOSSIBLE', `"${id}" holds tokens of OAuth, and ${why}`);
  }
  const material = await toMaterial(kind, given, await keptFields(vault, reference, kind, given));
  return vault.rotate(reference, material, {
    // What was kept of the present version belongs to that one.
    expectedVersion: version,
    ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
    ...(options.grace === undefined ? {} : { graceMs: options.grace }),
    reason: options.emergency === true ? 'emergency' : 'planned',
  });
}

/** The fields beside the secret that stay. The credential is opened for them, and only where there can be any. */
async function keptFields(
  vault: CredentialVault,
  reference: { readonly scope: string; readonly id: string },
  kind: KindName,
  given: GivenMaterial,
): Promise<object> {
  if ('whole' in given) return {};
  const renewed = renewedFields[kind] ?? [];
  const kept = (await plainFieldsOf(kind)).filter((name) => !renewed.includes(name));
  if (kept.every((name) => Object.hasOwn(given.fields, name))) return {};
  const present = await vault.retrieve(reference, { allowExpired: true });
  return Object.fromEntries(Object.entries(present?.value ?? {}).filter(([name]) => kept.includes(name)));
}
