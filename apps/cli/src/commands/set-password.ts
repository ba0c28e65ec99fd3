import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import { cliError } from '../errors.ts';
import { makePassword, readPassword } from '../find-or-make-account.ts';
import type { OutputOptions } from '../output.ts';
import { withServices } from '../with-services.ts';

interface SetPasswordOptions extends OutputOptions {
  readonly email: string;
  readonly passwordStdin?: boolean;
}

/** `tenon user password`: for somebody who has lost theirs. */
export function setPassword(cli: Cli): Command {
  return new Command('password')
    .description('Set a new password for an account, and end all its sessions.')
    .requiredOption('--email <address>', 'of the account')
    .option('--password-stdin', 'read the password from standard input (default: one is made and shown once)')
    .option('--json', 'print the result as JSON')
    .action(async (options: SetPasswordOptions) => {
      const given = options.passwordStdin === true ? await readPassword(cli) : undefined;
      const password = given ?? makePassword();
      const output = outputOf(cli, options);
      await withServices(cli, async ({ services: { auth } }) => {
        const account = await auth.accounts.findByEmail(options.email);
        if (account === undefined) {
          throw cliError('ACCOUNT_NONE', `there is no account with the address "${options.email}"`);
        }
        await auth.setPassword(account.id, password);
        const shown = given === undefined ? { password: password.reveal() } : {};
        output.result({ account: { id: account.id, email: account.email }, ...shown }, [
          `sign in     ${account.email}  ·  ${given === undefined ? `password shown this once: ${password.reveal()}` : 'with the password given'}`,
        ]);
      });
    });
}
