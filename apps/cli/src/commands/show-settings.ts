import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import type { OutputOptions } from '../output.ts';

interface ShowSettingsOptions extends OutputOptions {
  readonly env?: boolean;
  readonly markdown?: boolean;
}

/** `tenon settings`: the reference, never the values. */
export function showSettings(cli: Cli): Command {
  return new Command('settings')
    .description('Explain every setting. Values are not shown.')
    .option('--env', 'as a file .env to fill in')
    .option('--markdown', 'as a Markdown table')
    .option('--json', 'as JSON')
    .action(async (options: ShowSettingsOptions) => {
      const { describeSettings, renderEnvExample, renderSettingsTable } = await import('@tenon/server/composition');
      const settings = describeSettings();
      const text =
        options.env === true ? renderEnvExample() : options.markdown === true ? renderSettingsTable() : undefined;
      const lines =
        text === undefined
          ? settings.map(
              ({ name, description, fallback }) =>
                `${name}${fallback === '' ? '' : `=${fallback}`}\n    ${description}`,
            )
          : [text.replace(/\n$/, '')];
      outputOf(cli, options).result({ settings }, lines);
    });
}
