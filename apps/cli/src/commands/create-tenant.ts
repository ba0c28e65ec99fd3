import { Command } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import { findOrMakeAccount, readPassword, signInLine } from '../find-or-make-account.ts';
import type { OutputOptions } from '../output.ts';
import { withServices } from '../with-services.ts';

interface CreateTenantOptions extends OutputOptions {
  readonly name: string;
  readonly ownerEmail: string;
  readonly ownerName?: string;
  readonly id?: string;
  readonly passwordStdin?: boolean;
}

/** `tenon tenant create`. */
export function createTenant(cli: Cli): Command {
  return new Command('create')
    .description('Make a tenant, and an account for its owner where there is none.')
    .requiredOption('--name <text>', 'what the tenant is called')
    .requiredOption('--owner-email <address>', 'whose tenant it is')
    .option('--owner-name <text>', "the owner's name (default: the part of the address before the @)")
    .option('--id <id>', '1 to 64 letters, digits, "_" or "-" (default: a new UUID)')
    .option('--password-stdin', "read a new owner's password from standard input (default: one is made and shown once)")
    .option('--json', 'print the result as JSON')
    .action(async (options: CreateTenantOptions) => {
      const password = options.passwordStdin === true ? await readPassword(cli) : undefined;
      const output = outputOf(cli, options);
      await withServices(cli, async ({ services }) => {
        const found = await findOrMakeAccount(services, {
          email: options.ownerEmail,
          name: options.ownerName ?? options.ownerEmail.replace(/@.*$/s, ''),
          ...(password === undefined ? {} : { password }),
        });
        const { account } = found;
        const owner = { accountId: account.id, email: account.email, name: options.ownerName ?? account.name };
        const id = options.id === undefined ? {} : { id: options.id };
        const { tenant } = await services.tenancy.tenants
          .create({ name: options.name, owner, ...id })
          .catch((error: unknown) => {
            // The account stays, and nobody would ever know its password.
            if (found.password !== undefined)
              output.note(`The account was made, the tenant was not. ${signInLine(found)}`);
            throw error;
          });
        output.result(
          {
            tenant,
            account: { id: account.id, email: account.email, created: found.isNew },
            ...(found.password === undefined ? {} : { password: found.password.reveal() }),
          },
          [`tenant      ${tenant.id}  ·  ${tenant.name}`, signInLine(found)],
        );
      });
    });
}
