import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import { formatFinding } from '../doctor/finding.ts';
import { cliError } from '../errors.ts';
import type { OutputOptions } from '../output.ts';

/** `tenon doctor`: looks whether the server would run here, and changes nothing. */
export function runDoctor(cli: Cli): Command {
  return new Command('doctor')
    .description('Check settings, data folder, database, keys, port and Redis, and say what to do.')
    .option('--json', 'print the result as JSON')
    .action(async (options: OutputOptions) => {
      const { examine } = await import('../doctor/examine.ts');
      const findings = await examine(cli);
      const failed = findings.filter(({ state }) => state === 'failed').length;
      outputOf(cli, options).result({ ok: failed === 0, findings }, findings.flatMap(formatFinding));
      if (failed > 0) {
        throw cliError(
          'DOCTOR_FOUND_PROBLEMS',
          `${failed} of ${findings.length} checks failed: what to do stands behind each ✗`,
        );
      }
    });
}
