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

/**
 * Makes sure that the password is the account's. One comparison at full cost, whether or not there is an account, it has a
 * password, or it is disabled; one answer to all of them.
 *
 * @throws `AUTH_CREDENTIALS_INVALID`, `AUTH_THROTTLED`, `AUTH_OVERLOADED`
 */
export async function provePassword(parts: AuthParts, proof: PasswordProof): Promise<ProvenAccount> {
  const { account, password, subject, client, purpose } = proof;
  const outcome = await parts.hasher.takeTurn(async (turn) => {
    // Looked at again in turn: of a hundred guesses that came at once, those behind the first few failures get no answer.
    await parts.throttle.assertFree(subject);
    const matches = await turn.compare(password, account?.password_hash);
    if (matches && account?.status === 'active') return { account };
    return { waitMs: await parts.throttle.failed(subject) };
  });
  if (outcome.account === undefined || outcome.account.password_hash === null) {
    const who = { ...(account === undefined ? {} : { accountId: account.id }), ...clientOf(client) };
    parts.events.emit({ type: 'sign-in.failed', ...who, details: { purpose } });
    // Once for each wait, not for each attempt that it refuses: those come as fast as anybody likes to send them.
    const { waitMs = 0 } = outcome;
    if (waitMs > 0) parts.events.emit({ type: 'sign-in.throttled', ...who, details: { purpose, waitMs } });
    throw credentialsInvalid();
  }
  await parts.throttle.succeeded(subject);
  return { ...outcome.account, password_hash: outcome.account.password_hash };
}

/** The one answer to whoever is not who they say. */
export function credentialsInvalid(): Error {
  return authError('AUTH_CREDENTIALS_INVALID', 'the e-mail address or the password is wrong');
}

/** The client alone, out of an input that holds more. */
export function clientOf({ ip, userAgent }: ClientDetails): ClientDetails {
  return { ...(ip === undefined ? {} : { ip }), ...(userAgent === undefined ? {} : { userAgent }) };
}
