import { isCodedError } from '@tenon/core';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import type { TenantMembership } from '../options.ts';
import { preparePassword, type PreparedPassword } from '../passwords/prepare-password.ts';
import { issueTokens } from '../sessions/issue-tokens.ts';
import { idleExpiry, toClientColumns, type StoredSession } from '../sessions/session-rows.ts';
import type { SignedIn } from '../sessions/session.ts';
import type { ThrottleSubject } from '../throttle/sign-in-throttle.ts';
import { findAccountByEmail } from './account-rows.ts';
import type { ClientDetails, SignInInput } from './account.ts';
import { normalizeEmail } from './normalize-email.ts';
import { clientOf, credentialsInvalid, provePassword, type ProvenAccount } from './prove-password.ts';

/** Opens a session by password. */
export async function signIn(parts: AuthParts, input: SignInInput): Promise<SignedIn> {
  const email = normalizeEmail(input.email);
  const password = preparePassword(input.password);
  const subject: ThrottleSubject = { account: email?.key ?? input.email, ip: input.ip };
  await parts.throttle.assertFree(subject);
  const found =
    email === undefined
      ? undefined
      : await parts.database.withSystem('sign-in', (tx) => findAccountByEmail(tx, email.key));
  const account = await provePassword(parts, { account: found, password, subject, client: input, purpose: 'sign-in' });

  const passwordHash = await strongerHash(parts, account, password);
  const tenants = await parts.memberships(account.id);
  const tenant = chooseTenant(tenants, input.tenant);
  const session = await openSession(parts, account, { passwordHash, tenant, client: input });
  const signedIn = await issueTokens(parts, session, account, tenants);
  parts.events.emit({
    type: 'sign-in.succeeded',
    accountId: account.id,
    sessionId: session.id,
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...clientOf(input),
  });
  return signedIn;
}

/** A new hash when the stored one was made with less work than is asked for now. Too busy to make one: next time. */
async function strongerHash(
  parts: AuthParts,
  account: ProvenAccount,
  password: PreparedPassword,
): Promise<string | undefined> {
  if (!parts.hasher.isOutdated(account.password_hash)) return undefined;
  try {
    return await parts.hasher.takeTurn((turn) => turn.hash(password));
  } catch (error) {
    if (isCodedError(error, 'AUTH_OVERLOADED')) return undefined;
    throw error;
  }
}

function chooseTenant(tenants: readonly TenantMembership[], asked: string | undefined): string | undefined {
  if (asked === undefined) return tenants[0]?.tenantId;
  if (tenants.some(({ tenantId }) => tenantId === asked)) return asked;
  throw authError('AUTH_TENANT_UNAVAILABLE', 'the tenant does not exist, or the account is not a member of it');
}

interface Opening {
  readonly passwordHash: string | undefined;
  readonly tenant: string | undefined;
  readonly client: ClientDetails;
}

/** Writes the session, and the new hash with it. */
async function openSession(parts: AuthParts, account: ProvenAccount, opening: Opening): Promise<StoredSession> {
  const { config, database } = parts;
  const nowMs = config.clock.now();
  const absoluteMs = nowMs + config.refreshAbsoluteMs;
  return database.withSystem('sign-in', async (tx) => {
    // Comparing took a while. A password that was changed or an account that was disabled meanwhile opens nothing; and one
    // that is being changed now waits for this lock, and then ends this session with the others. A stronger hash of the same
    // password leaves the version as it is, so that of two who sign in at once neither is turned away.
    const unchanged = tx
      .selectFrom('accounts')
      .select('id')
      .where('id', '=', account.id)
      .where('status', '=', 'active')
      .where('version', '=', account.version);
    const renewed = opening.passwordHash;
    const locked = renewed === undefined ? unchanged.forShare() : unchanged.forUpdate();
    if ((await locked.executeTakeFirst()) === undefined) throw credentialsInvalid();
    if (renewed !== undefined) {
      await tx.updateTable('accounts').set({ password_hash: renewed }).where('id', '=', account.id).execute();
    }
    return tx
      .insertInto('sessions')
      .values({
        id: config.newId(),
        account_id: account.id,
        tenant: opening.tenant ?? null,
        created_at: new Date(nowMs),
        refreshed_at: new Date(nowMs),
        expires_at: idleExpiry(nowMs, absoluteMs, config),
        absolute_expires_at: new Date(absoluteMs),
        ...toClientColumns(opening.client),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}
