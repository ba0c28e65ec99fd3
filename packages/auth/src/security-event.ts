import type { JsonValue } from '@tenon/core';

/** What happened. */
export type AuthSecurityEventType =
  | 'account.registered'
  | 'account.disabled'
  | 'account.enabled'
  | 'password.changed'
  | 'sign-in.succeeded'
  | 'sign-in.failed'
  | 'sign-in.throttled'
  | 'session.ended'
  | 'refresh-token.reissued'
  | 'refresh-token.reused'
  | 'signing-key.rotated'
  | 'api-key.created'
  | 'api-key.revoked';

/** Something that an auditor wants to know. It holds no secret, and no address that was typed for an unknown account. */
export interface AuthSecurityEvent {
  readonly type: AuthSecurityEventType;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Whose account it concerns, where that is known. */
  readonly accountId?: string;
  readonly sessionId?: string;
  readonly tenantId?: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly details: Readonly<Record<string, JsonValue>>;
}
