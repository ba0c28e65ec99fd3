import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';
import { withServices } from '../with-services.ts';

/** `tenon keys reseal`: after it, the database needs no key but the first. It works without the old keys too. */
export function reseal(cli: Cli): Command {
  return new Command('reseal')
    .description(
      'Make a new key to sign access tokens, sealed under the first of the present keys, so that older ones can go. Tokens stay valid.',
    )
    .option('--json', 'print the result as JSON')
    .action((options: OutputOptions) =>
      withServices(cli, async ({ services: { auth }, keys }) => {
        const { kid } = await auth.rotateSigningKey();
        outputOf(cli, options).result({ signingKey: kid, sealedUnder: keys.keys.ids[0] }, [
          `signing key ${kid}  ·  sealed under ${keys.keys.ids[0]}`,
        ]);
      }),
    );
}
