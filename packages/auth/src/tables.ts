import type { Generated } from 'kysely';
import type { Account } from './accounts/account.ts';
import type { SessionEndReason } from './sessions/session.ts';

/** A row of `accounts`. */
export interface AccountRow {
  readonly id: string;
  readonly email: string;
  readonly email_key: string;
  readonly name: string;
  readonly password_hash: string | null;
  readonly password_changed_at: Date | null;
  readonly status: Account['status'];
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly version: Generated<number>;
}

/** A row of `sessions`. */
export interface SessionRow {
  readonly id: string;
  readonly account_id: string;
  readonly tenant: string | null;
  readonly counter: Generated<number>;
  readonly created_at: Date;
  readonly refreshed_at: Date;
  readonly expires_at: Date;
  readonly absolute_expires_at: Date;
  readonly ended_at: Date | null;
  readonly end_reason: SessionEndReason | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
}

/** A row of `signing_keys`. */
export interface SigningKeyRow {
  readonly kid: string;
  readonly public_x: string;
  readonly private_sealed: Uint8Array;
  readonly created_at: Date;
  readonly retired_at: Date | null;
}

/** A row of `api_keys`. */
export interface ApiKeyRow {
  readonly tenant_id: Generated<string>;
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly key_hash: Uint8Array;
  readonly scopes: readonly string[];
  readonly created_by: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
  readonly version: Generated<number>;
}

/** The tables of this package. */
export interface AuthTables {
  readonly accounts: AccountRow;
  readonly sessions: SessionRow;
  readonly signing_keys: SigningKeyRow;
  readonly api_keys: ApiKeyRow;
}
