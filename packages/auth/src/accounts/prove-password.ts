import { isCodedError } from '@tenon/core';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import type { PreparedPassword } from '../passwords/prepare-password.ts';
import type { ThrottleSubject } from '../throttle/sign-in-throttle.ts';
import type { StoredAccount } from './account-rows.ts';
import type { ClientDetails } from './account.ts';

/** Somebody who claims to be an account's owner. */
export interface PasswordProof {
  /** Undefined when there is none: it takes as long. */
  readonly account: StoredAccount | undefined;
  readonly password: PreparedPassword;
  readonly subject: ThrottleSubject;
  readonly client: ClientDetails;
  /** What the password is asked for. */
  readonly purpose: 'sign-in' | 'change-password';
}

/** An account whose owner has just given the password. */
export interface ProvenAccount extends StoredAccount {
  readonly password_hash: string;
}

/** Refuses at once, without taking a turn, who must wait. @throws `AUTH_THROTTLED` */
export async function assertNotThrottled(
  parts: AuthParts,
  subject: ThrottleSubject,
  client: ClientDetails,
): Promise<void> {
  try {
    await parts.throttle.assertFree(subject);
  } catch (error) {
    if (isCodedError(error, 'AUTH_THROTTLED')) parts.events.emit({ type: 'sign-in.throttled', ...clientOf(client) });
    throw error;
  }
}

/**
 * Makes sure that the password is the account's. One comparison at full cost, whether or not there is an account, it has a
 * password, or it is disabled; one answer to all of them.
 *
 * @throws `AUTH_CREDENTIALS_INVALID`, `AUTH_THROTTLED`, `AUTH_OVERLOADED`
 */
export async function provePassword(parts: AuthParts, proof: PasswordProof): Promise<ProvenAccount> {
  const { account, password, subject, client, purpose } = proof;
  const proven = await parts.hasher.takeTurn(async (turn) => {
    // Looked at again in turn: of a hundred guesses that came at once, those behind the first few failures get no answer.
    await assertNotThrottled(parts, subject, client);
    const matches = await turn.compare(password, account?.password_hash);
    const accepted = matches && account?.status === 'active';
    if (!accepted) await parts.throttle.failed(subject);
    return accepted ? account : undefined;
  });
  if (proven === undefined || proven.password_hash === null) {
    const known = account === undefined ? {} : { accountId: account.id };
    parts.events.emit({ type: 'sign-in.failed', ...known, ...clientOf(client), details: { purpose } });
    throw credentialsInvalid();
  }
  await parts.throttle.succeeded(subject);
  return { ...proven, password_hash: proven.password_hash };
}

/** The one answer to whoever is not who they say. */
export function credentialsInvalid(): Error {
  return authError('AUTH_CREDENTIALS_INVALID', 'the e-mail address or the password is wrong');
}

/** The client alone, out of an input that holds more. */
export function clientOf({ ip, userAgent }: ClientDetails): ClientDetails {
  return { ...(ip === undefined ? {} : { ip }), ...(userAgent === undefined ? {} : { userAgent }) };
}
