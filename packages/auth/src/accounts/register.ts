import { isCodedError, type InputProblem } from '@tenon/core';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import { checkPassword } from '../passwords/check-password.ts';
import { preparePassword } from '../passwords/prepare-password.ts';
import { toAccount } from './account-rows.ts';
import type { Account, RegisterInput } from './account.ts';
import { MAX_EMAIL_CHARACTERS, normalizeEmail } from './normalize-email.ts';
import { normalizeName } from './normalize-name.ts';

/** Makes an account with a password. */
export async function register(parts: AuthParts, input: RegisterInput): Promise<Account> {
  const email = normalizeEmail(input.email);
  const name = normalizeName(input.name);
  const problems: InputProblem[] = [];
  if (email === undefined) {
    const message = `an e-mail address has one "@", no white space, and at most ${MAX_EMAIL_CHARACTERS} characters`;
    problems.push({ path: '/email', code: 'invalid', message });
  }
  if (name === undefined) {
    const message = 'a name has 1 to 255 characters, and no control characters';
    problems.push({ path: '/name', code: 'invalid', message });
  }
  problems.push(...checkPassword(input.password, '/password', parts.commonPasswords));
  if (email === undefined || name === undefined || problems.length > 0) throw inputInvalid(problems);

  // Hashed before anything is looked up: a taken address takes as long as a free one.
  const password = preparePassword(input.password);
  const passwordHash = await parts.hasher.takeTurn((turn) => turn.hash(password));
  const now = new Date(parts.config.clock.now());
  try {
    const row = await parts.database.withSystem('register', (tx) =>
      tx
        .insertInto('accounts')
        .values({
          id: parts.config.newId(),
          email: email.shown,
          email_key: email.key,
          name,
          password_hash: passwordHash,
          password_changed_at: now,
          status: 'active',
          created_at: now,
          updated_at: now,
        })
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    parts.events.emit({ type: 'account.registered', accountId: row.id });
    return toAccount(row);
  } catch (error) {
    if (isCodedError(error, 'DATABASE_CONFLICT') && error.details['constraint'] === 'accounts_email_key') {
      throw authError('AUTH_EMAIL_TAKEN', 'an account with this e-mail address exists already; sign in instead');
    }
    throw error;
  }
}

/** The error of an input with problems: all of them at once, none with the value. */
export function inputInvalid(problems: readonly InputProblem[]): Error {
  const found = problems.map(({ path, message }) => `${path.slice(1)}: ${message}`).join('; ');
  return authError('AUTH_INPUT_INVALID', `the input is not valid: ${found}`, {
    details: { problems },
  });
}
