import { toAccount, type StoredAccount } from '../accounts/account-rows.ts';
import type { AuthParts } from '../auth-parts.ts';
import type { TenantMembership } from '../options.ts';
import type { SignedIn } from './session.ts';
import type { StoredSession } from './session-rows.ts';

// Sixty-four ids are about 3 KB of token, well inside of what proxies allow for all headers.
const MAX_TENANTS_IN_TOKEN = 64;

/** Makes the tokens of a session as it stands, for what its account may do at this moment. */
export async function issueTokens(
  parts: AuthParts,
  session: StoredSession,
  account: StoredAccount,
  tenants: readonly TenantMembership[],
): Promise<SignedIn> {
  // Somebody who is no longer a member is not moved to another tenant in silence: there is no tenant until one is chosen.
  const chosen = tenants.find(({ tenantId }) => tenantId === session.tenant);
  const others = tenants.filter((one) => one !== chosen);
  const listed = [...(chosen === undefined ? [] : [chosen]), ...others].slice(0, MAX_TENANTS_IN_TOKEN);
  const access = await parts.accessTokens.issue({
    accountId: account.id,
    sessionId: session.id,
    tenant: chosen?.tenantId,
    tenants: listed.map(({ tenantId }) => tenantId),
    scopes: chosen?.scopes ?? [],
    sessionExpiresAtMs: session.expires_at.getTime(),
  });
  return {
    accessToken: access.token,
    accessExpiresAt: access.expiresAt,
    refreshToken: parts.refreshTokens.write({ sessionId: session.id, counter: session.counter }),
    refreshExpiresAt: session.expires_at,
    account: toAccount(account),
    sessionId: session.id,
    tenant: chosen?.tenantId,
    // Copies: what the application's own function gave is not ours to freeze.
    tenants: tenants.map((one) => ({ ...one, scopes: [...one.scopes] })),
  };
}
