import { toError } from '@tenon/core';
import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';
import { assertEverythingResealed, resealedLines, resealEverything } from '../reseal-everything.ts';
import { readSettings, withServices } from '../with-services.ts';

const HELP = `
For one server with a keys file. It does not know the new key while it runs: on the embedded database stop it before, and
start it afterwards. Where several servers share a PostgreSQL, or the keys come from TENON_KEYS, every running server must
know the new key before anything is sealed with it: make it with "tenon keys generate --rotate", give it to all of them in
second place, restart, then in first place, restart, and run "tenon keys reseal". See docs/how-to/change-keys.md.`;

/** `tenon keys rotate`: a new key in the keys file, and everything sealed with it. */
export function rotateKeys(cli: Cli): Command {
  return new Command('rotate')
    .description(
      'Add a new key in front of the keys file, and then do what reseal does. The older keys stay in the file.',
    )
    .option('--json', 'print the result as JSON, and no progress')
    .addHelpText('after', HELP)
    .action(async (options: OutputOptions) => {
      const { addKeyToFile, assertKeysInFile, loadKeys } = await import('@tenon/server/composition');
      const present = loadKeys(await readSettings(cli), { create: false });
      assertKeysInFile(present);
      const next = present.keys.rotate();
      const output = outputOf(cli, options);
      // The database is opened first: whoever may not have it, because a server runs, changes nothing.
      const report = await withServices(
        cli,
        async ({ services, keys }) => {
          addKeyToFile(present, next);
          return resealEverything(services, keys, output, cli.signal).catch((error: unknown) => {
            output.note('The new key is in the file, and not everything is sealed with it: run "tenon keys reseal".');
            throw toError(error);
          });
        },
        { keys: next },
      );
      const [added, ...older] = next.ids;
      output.result({ file: present.file, added, older, ...report }, [
        `key         ${added}  ·  added in front of ${older.join(', ')} in "${present.file}"`,
        ...resealedLines(report),
      ]);
      assertEverythingResealed(report, cli);
      output.note(
        'Start the server again, and keep a copy of the file. Take the older keys out when all sessions have been refreshed.',
      );
    });
}
