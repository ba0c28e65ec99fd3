import { Command, Option } from 'commander';
import { outputOf, type Cli } from '../cli.ts';
import { chooseTenant } from '../choose-tenant.ts';
import { findOrMakeAccount, readPassword, signInLine } from '../find-or-make-account.ts';
import type { OutputOptions } from '../output.ts';
import { inTenant, withServices } from '../with-services.ts';

const roles = ['owner', 'admin', 'member', 'viewer'] as const;

interface CreateUserOptions extends OutputOptions {
  readonly tenant?: string;
  readonly email: string;
  readonly name: string;
  readonly role: (typeof roles)[number];
  readonly passwordStdin?: boolean;
}

/** `tenon user create`. */
export function createUser(cli: Cli): Command {
  return new Command('create')
    .description('Add a person to a tenant, with an account to sign in.')
    .option('--tenant <id>', 'the tenant (default: the only one there is)')
    .requiredOption('--email <address>', 'to sign in with')
    .requiredOption('--name <text>', 'what the person is called')
    .addOption(new Option('--role <role>', 'what the person may do').choices([...roles]).default('member'))
    .option(
      '--password-stdin',
      "read a new account's password from standard input (default: one is made and shown once)",
    )
    .option('--json', 'print the result as JSON')
    .action(async (options: CreateUserOptions) => {
      const password = options.passwordStdin === true ? await readPassword(cli) : undefined;
      const output = outputOf(cli, options);
      await withServices(cli, async ({ services }) => {
        const { tenancy } = services;
        const tenant = await chooseTenant(services, options.tenant);
        await inTenant(tenant, async () => {
          await tenancy.tenants.current(); // before an account is made for a tenant that does not exist
          const found = await findOrMakeAccount(services, {
            email: options.email,
            name: options.name,
            ...(password === undefined ? {} : { password }),
          });
          const { account } = found;
          const input = { email: account.email, name: options.name, role: options.role };
          const user = await tenancy.users.create(input, { accountId: account.id }).catch((error: unknown) => {
            // The account stays, and nobody would ever know its password.
            if (found.password !== undefined)
              output.note(`The account was made, the person was not added. ${signInLine(found)}`);
            throw error;
          });
          output.result(
            {
              user,
              account: { id: account.id, email: account.email, created: found.isNew },
              ...(found.password === undefined ? {} : { password: found.password.reveal() }),
            },
            [`user        ${user.name}  ·  ${user.role} of ${tenant}`, signInLine(found)],
          );
        });
      });
    });
}
