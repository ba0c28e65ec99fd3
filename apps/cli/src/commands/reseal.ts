import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';
import { assertEverythingResealed, resealedLines, resealEverything } from '../reseal-everything.ts';
import { withServices } from '../with-services.ts';

const HELP = `
Every running server must know the first key before this seals with it: restart them first. It can be stopped at any time,
and goes on when it is run again. Credentials that no present key opens are named, and the exit code is 1: put back their
key and run it again, or store them anew.`;

/** `tenon keys reseal`: after it, the database needs no key but the first. It works without the old keys too, as far as it can. */
export function reseal(cli: Cli): Command {
  return new Command('reseal')
    .description(
      'Seal the credentials of every tenant under the first of the present keys, and make a new key to sign access tokens, so that older keys can go. Tokens stay valid.',
    )
    .option('--json', 'print the result as JSON, and no progress')
    .addHelpText('after', HELP)
    .action(async (options: OutputOptions) => {
      const output = outputOf(cli, options);
      const report = await withServices(cli, ({ services, keys }) =>
        resealEverything(services, keys, output, cli.signal),
      );
      output.result(report, resealedLines(report));
      assertEverythingResealed(report, cli);
    });
}
