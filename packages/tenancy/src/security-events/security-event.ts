import type { Actor, JsonValue } from '@tenon/core';

/** What can happen that somebody responsible for security wants to know. Stable names; new ones are added, none renamed. */
export const securityEventTypes = [
  'access.denied',
  'account.disabled',
  'account.enabled',
  'account.registered',
  'api-key.created',
  'api-key.rejected',
  'api-key.revoked',
  'invitation.accepted',
  'invitation.created',
  'password.changed',
  'quota.changed',
  'refresh-token.reissued',
  'refresh-token.reused',
  'session.ended',
  'sign-in.failed',
  'sign-in.succeeded',
  'sign-in.throttled',
  'signing-key.rotated',
  'tenant.created',
  'tenant.cross-access',
  'tenant.mismatch',
  'tenant.status-changed',
  'user.removed',
  'user.role-changed',
  'user.status-changed',
] as const;

/** The kind of a security event. */
export type SecurityEventType = (typeof securityEventTypes)[number];

/** What {@link SecurityEvents.record} takes. */
export interface NewSecurityEvent {
  readonly type: SecurityEventType;
  /** Who did it. Default: the context's actor. */
  readonly actor?: Pick<Actor, 'type' | 'id'>;
  /** Whose event it is. Default: the context's tenant; none before one is known. */
  readonly tenantId?: string;
  /** What it was about, for example `users/0199…`. Cut after 256 characters. */
  readonly resource?: string;
  /** The other tenant, when two are involved. */
  readonly otherTenantId?: string;
  /** Default: the context's request id. */
  readonly requestId?: string;
  /** Further facts: never a secret. Beyond 4 KiB as JSON they are replaced by a note of their size. Default `{}`. */
  readonly details?: { readonly [key: string]: JsonValue };
}

/** A recorded security event. */
export interface SecurityEvent {
  readonly id: string;
  readonly type: SecurityEventType;
  readonly tenantId: string | null;
  readonly otherTenantId: string | null;
  readonly actor: { readonly type: string; readonly id: string } | null;
  readonly resource: string | null;
  readonly requestId: string | null;
  readonly details: { readonly [key: string]: JsonValue };
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}
