import type { Secret } from '@tenon/core';

/** Who signs in: one person's identity, across all tenants. What the person may do in a tenant is the tenant's business. */
export interface Account {
  /** UUID version 7. */
  readonly id: string;
  /** As it was typed, trimmed and in NFC. Unique without regard to case. */
  readonly email: string;
  readonly name: string;
  /** `disabled` cannot sign in and has no session. */
  readonly status: 'active' | 'disabled';
  /** When the password was last set. Undefined: there is none, and nobody signs in with one. */
  readonly passwordChangedAt: Date | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Raised by each change. */
  readonly version: number;
}

/** What {@link Auth.register} takes. */
export interface RegisterInput {
  /** An address with one `@`, at most 254 characters. Trimmed. */
  readonly email: string;
  /** 12 characters at least and 72 bytes of UTF-8 at most, after NFC; not a common one. */
  readonly password: Secret | string;
  /** 1 to 255 characters. Trimmed. */
  readonly name: string;
}

/** Where a request came from. */
export interface ClientDetails {
  /** The client's IP address, as the server trusts it. It is throttled by it; IPv6 by its /64. */
  readonly ip?: string;
  /** Shown in the list of sessions; cut at 512 characters. */
  readonly userAgent?: string;
}

/** What {@link Auth.signIn} takes. */
export interface SignInInput extends ClientDetails {
  readonly email: string;
  readonly password: Secret | string;
  /** The tenant to work in. Default: the first one of the account's memberships. */
  readonly tenant?: string;
}

/** What {@link Auth.changePassword} takes. */
export interface ChangePasswordInput extends ClientDetails {
  readonly accountId: string;
  readonly currentPassword: Secret | string;
  readonly newPassword: Secret | string;
  /** A session that stays: usually the one that asks. Default: all sessions end. */
  readonly keepSessionId?: string;
}

/** The accounts, for reading. */
export interface Accounts {
  /** The account, or `undefined`. */
  get(accountId: string): Promise<Account | undefined>;
  /** The account with this address, in any case and Unicode form, or `undefined`. For administration, never for sign-in. */
  findByEmail(email: string): Promise<Account | undefined>;
}
