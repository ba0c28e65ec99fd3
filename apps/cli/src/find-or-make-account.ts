import { randomBytes } from 'node:crypto';
import { Secret } from '@tenon/core';
import type { Services } from '@tenon/server';
import type { Cli } from './cli.ts';
import { cliError } from './errors.ts';
import { readSecret } from './read-input.ts';

type Account = Awaited<ReturnType<Services['auth']['register']>>;

/** An account to sign in with. */
export interface FoundAccount {
  readonly account: Account;
  /** Whether this call made it. */
  readonly isNew: boolean;
  /** Made up here, to be shown once. */
  readonly password: Secret | undefined;
}

/** What {@link findOrMakeAccount} takes. */
export interface AccountOptions {
  readonly email: string;
  readonly name: string;
  /** For an account that is new. Default: one is made up. */
  readonly password?: Secret;
}

/** The account with an email address; one is made when there is none. The password of one that exists stays as it is. */
export async function findOrMakeAccount({ auth }: Services, options: AccountOptions): Promise<FoundAccount> {
  const { email, name } = options;
  const existing = await auth.accounts.findByEmail(email);
  if (existing !== undefined) return { account: existing, isNew: false, password: undefined };
  const password = options.password ?? makePassword();
  const account = await auth.register({ email, name, password });
  return { account, isNew: true, password: options.password === undefined ? password : undefined };
}

/** How to sign in with an account, in one line; a password that was made up is in it. */
export function signInLine({ account, isNew, password }: FoundAccount): string {
  if (password !== undefined) return `sign in     ${account.email}  ·  password shown this once: ${password.reveal()}`;
  return `sign in     ${account.email}  ·  ${isNew ? 'with the password given' : 'with the account that exists, password unchanged'}`;
}

/**
 * Reads a password from standard input, without the line end behind it.
 *
 * @throws `PASSWORD_MISSING` when nothing was given
 */
export async function readPassword(cli: Cli): Promise<Secret> {
  const password = await readSecret(cli);
  if (password !== undefined) return password;
  throw cliError('PASSWORD_MISSING', '--password-stdin was given, and standard input is empty: pipe the password in');
}

/** Makes up a password: 80 bits in groups of four, easy to type, and no question of what is a letter and what a digit. */
export function makePassword(): Secret {
  return new Secret((randomBytes(10).toString('hex').match(/.{4}/g) ?? []).join('-'));
}
