import type { Secret } from '@tenon/core';
import { sql } from 'kysely';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import { checkPassword } from '../passwords/check-password.ts';
import { preparePassword } from '../passwords/prepare-password.ts';
import { endSessions, reportEnded } from '../sessions/end-sessions.ts';
import { findAccount } from './account-rows.ts';
import type { ChangePasswordInput, ClientDetails } from './account.ts';
import { clientOf, credentialsInvalid, provePassword } from './prove-password.ts';
import { inputInvalid } from './register.ts';

/** Sets a new password for somebody who knows the old one. */
export async function changePassword(parts: AuthParts, input: ChangePasswordInput): Promise<void> {
  assertAcceptable(parts, input.newPassword, '/newPassword');
  const found = await parts.database.withSystem('change-password', (tx) => findAccount(tx, input.accountId));
  const subject = { account: found?.email_key ?? input.accountId, ip: input.ip };
  await parts.throttle.assertFree(subject);
  const password = preparePassword(input.currentPassword);
  const account = await provePassword(parts, {
    account: found,
    password,
    subject,
    client: input,
    purpose: 'change-password',
  });
  const changed = await storePassword(parts, account.id, input.newPassword, {
    // Whoever changed it first wins; the other one no longer knows the current password.
    onlyIfVersion: account.version,
    keepSessionId: input.keepSessionId,
    client: input,
  });
  if (!changed) throw credentialsInvalid();
}

/** Sets a new password without the old one. */
export async function setPassword(parts: AuthParts, accountId: string, newPassword: Secret | string): Promise<void> {
  assertAcceptable(parts, newPassword, '/newPassword');
  const known = await parts.database.withSystem('set-password', (tx) => findAccount(tx, accountId));
  const changed = known !== undefined && (await storePassword(parts, accountId, newPassword, { client: {} }));
  if (!changed) throw accountNotFound();
}

/** The answer to an id that no account has. */
export function accountNotFound(): Error {
  return authError('AUTH_ACCOUNT_NOT_FOUND', 'there is no account with this id');
}

function assertAcceptable(parts: AuthParts, password: Secret | string, path: string): void {
  const problems = checkPassword(password, path, parts.commonPasswords);
  if (problems.length > 0) throw inputInvalid(problems);
}

interface Change {
  readonly onlyIfVersion?: number;
  readonly keepSessionId?: string | undefined;
  readonly client: ClientDetails;
}

/** @returns whether the account was there, as it was seen before */
async function storePassword(
  parts: AuthParts,
  accountId: string,
  password: Secret | string,
  { onlyIfVersion, keepSessionId, client }: Change,
): Promise<boolean> {
  const prepared = preparePassword(password);
  const passwordHash = await parts.hasher.takeTurn((turn) => turn.hash(prepared));
  const nowMs = parts.config.clock.now();
  const now = new Date(nowMs);
  const ended = await parts.database.withSystem('set-password', async (tx) => {
    let update = tx
      .updateTable('accounts')
      .set({ password_hash: passwordHash, password_changed_at: now, updated_at: now, version: sql`version + 1` })
      .where('id', '=', accountId);
    if (onlyIfVersion !== undefined) update = update.where('version', '=', onlyIfVersion);
    if ((await update.returning('id').executeTakeFirst()) === undefined) return undefined;
    return endSessions(tx, nowMs, 'password-changed', {
      accountId,
      ...(keepSessionId === undefined ? {} : { exceptSessionId: keepSessionId }),
    });
  });
  if (ended === undefined) return false;
  parts.events.emit({ type: 'password.changed', accountId, ...clientOf(client) });
  reportEnded(parts, ended, 'password-changed');
  return true;
}
