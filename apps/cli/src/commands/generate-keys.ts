import { Command } from 'commander';
import type { LoadedKeys } from '@tenon/server';
import { outputOf, type Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';
import { readSettings } from '../with-services.ts';

interface GenerateOptions extends OutputOptions {
  readonly rotate?: boolean;
}

/** `tenon keys generate`: prints keys and changes nothing. */
export function generateKeys(cli: Cli): Command {
  return new Command('generate')
    .description('Print new encryption keys, as TENON_KEYS takes them. Changes nothing.')
    .option('--rotate', 'print the present keys with a new one before them, which seals from then on')
    .option('--json', 'print the result as JSON')
    .action(async (options: GenerateOptions) => {
      const { KeyRing } = await import('@tenon/crypto');
      const present = options.rotate === true ? await presentKeys(cli) : undefined;
      const ring = present?.keys.rotate() ?? KeyRing.generate();
      const text = ring.format().reveal();
      const output = outputOf(cli, options);
      output.result({ keys: text, ids: ring.ids }, [text]);
      const place = present?.source === 'file' ? `write it to "${present.file}"` : 'set TENON_KEYS to it';
      output.note(
        `To use ${present === undefined ? 'this key' : 'these keys'}, ${place} and restart. Keep ${present === undefined ? 'it' : 'them'} secret, and keep a copy.`,
      );
    });
}

async function presentKeys(cli: Cli): Promise<LoadedKeys> {
  const { loadKeys } = await import('@tenon/server/composition');
  return loadKeys(await readSettings(cli), { create: false });
}
