import type { Actor, JsonValue } from '@tenon/core';

/** What was done, or tried. */
export type AuditAction =
  | 'create'
  | 'replace'
  | 'read'
  | 'list'
  | 'delete'
  | 'rotate'
  | 'roll-back'
  | 'revoke'
  | 'refresh'
  | 'reseal'
  | 'administer';

/**
 * What came of it. `intended` comes first, where the audit is required, and another record of the same `operationId` tells the end; an
 * intention without an end was cut off: by the death of the process, or because the audit did not answer, and then nothing was done.
 * `unknown`: the storage did not say whether the change was made.
 */
export type AuditOutcome = 'intended' | 'succeeded' | 'missing' | 'denied' | 'unreadable' | 'failed' | 'unknown';

/** One entry of the audit. It is never changed, and never holds material. */
export interface AuditRecord {
  /** UUID version 7. */
  readonly id: string;
  /** The same in all records of one operation. UUID version 7. */
  readonly operationId: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly tenant: string;
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  readonly actor?: Pick<Actor, 'type' | 'id'>;
  readonly scope?: string;
  readonly credentialId?: string;
  readonly version?: number;
  readonly requestId?: string;
  /** The code of a failure, the scope that somebody acted from, the reason that an administrator gave. */
  readonly details: Readonly<Record<string, JsonValue>>;
}

/** Which records {@link CredentialAudit.query} gives. All that is given must fit. */
export interface AuditQuery {
  readonly tenant: string;
  readonly scope?: string;
  readonly credentialId?: string;
  readonly actorId?: string;
  readonly action?: AuditAction;
  /** At this moment or later, in milliseconds since the epoch. */
  readonly fromMs?: number;
  /** Before this moment. */
  readonly toMs?: number;
  /** Goes on behind the record of this id; behind one that is not there, there is nothing. */
  readonly after?: string;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** What {@link CredentialAudit.append} is told. */
export interface AuditCallOptions {
  /** Aborts when nobody waits any longer. A driver that can stop its work should. */
  readonly signal: AbortSignal;
}

/**
 * Where the audit is kept.
 *
 * Obligations of a driver:
 *
 * - **It only ever adds.** What is kept stays as it is, until it is old enough to go where the driver offers that.
 * - **All or none** of the records that one call gives of one tenant.
 * - **Nothing twice**: a record whose id is kept already is left as it is. The vault gives records again when it did not hear what came of
 *   them.
 * - **Tenants are apart**: a query sees the records of its tenant alone.
 */
export interface CredentialAudit {
  /** Resolves when the records are kept as safely as the driver promises. They may be of several tenants. */
  append(records: readonly AuditRecord[], options: AuditCallOptions): Promise<void>;
  /** The newest first: by `atMs`, and by `id` where that is the same. @throws `CREDENTIAL_INVALID` when the limit is out of its range */
  query(query: AuditQuery): Promise<readonly AuditRecord[]>;
}
