import type { Secret } from '@tenon/core';
import type { Membership } from '../memberships/membership.ts';

/** What {@link Invitations.create} takes besides the person. */
export interface InvitationOptions {
  /** How long the invitation can be accepted, in milliseconds, 60,000 to 2,592,000,000 (30 days). Default 604,800,000 (7 days). */
  readonly ttlMs?: number;
}

/** A way in for a person who has no account in the tenant yet. */
export interface Invitations {
  /**
   * Makes the token that links an account to a person of the context's tenant. Earlier invitations of the person end.
   *
   * @returns the token, which is stored only as a hash and cannot be shown again
   * @throws `USER_NOT_FOUND`; `USER_ROLE_FORBIDDEN`; `INVITATION_NOT_POSSIBLE` when the person has an account or is disabled
   */
  create(userId: string, options?: InvitationOptions): Promise<{ readonly token: Secret; readonly expiresAt: string }>;
  /**
   * Links an account to the invited person, who becomes active. Works once; needs no tenant in the context.
   *
   * @throws `INVITATION_INVALID`, the same for a token that is unknown, used, replaced or expired;
   *   `USER_ACCOUNT_TAKEN` when the account is a person of that tenant already
   */
  accept(token: Secret | string, accountId: string): Promise<Membership>;
  /**
   * Makes sure that a token could be accepted now, before an account is made for it. It promises nothing:
   * {@link Invitations.accept} decides.
   *
   * @throws `INVITATION_INVALID`, the same for a token that is unknown, used, replaced or expired
   */
  assertOpen(token: Secret | string): Promise<void>;
}
