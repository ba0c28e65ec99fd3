import { createTelemetry, currentContext, type JsonValue } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import type { TenancyConfig } from '../options.ts';
import type { NewSecurityEvent, SecurityEventType } from './security-event.ts';

const MAX_TEXT = 256;
const MAX_DETAILS_BYTES = 4_096;

// What somebody should look at; the rest is the ordinary course of things.
const ALARMING: ReadonlySet<SecurityEventType> = new Set([
  'access.denied',
  'api-key.rejected',
  'refresh-token.reused',
  'sign-in.failed',
  'sign-in.throttled',
  'tenant.cross-access',
  'tenant.mismatch',
]);

/** An event with nothing left open, in a form that the database can hold. */
export interface PreparedEvent {
  readonly type: SecurityEventType;
  readonly tenantId: string | null;
  readonly actorType: string | null;
  readonly actorId: string | null;
  readonly resource: string | null;
  readonly otherTenantId: string | null;
  readonly requestId: string | null;
  /** JSON text. */
  readonly details: string;
}

/** Writes security events: the row inside a transaction, and the log line and the count after it. */
export interface SecurityRecorder {
  /** Fills an event up from the context. */
  prepare(event: NewSecurityEvent): PreparedEvent;
  /** Writes rows in the caller's transaction. */
  write<Tables>(tx: Tx<Tables>, events: readonly PreparedEvent[]): Promise<void>;
  /** Logs and counts. Call it once the transaction is committed. */
  announce(events: readonly PreparedEvent[]): void;
}

/** Makes the recorder. */
export function createSecurityRecorder(config: TenancyConfig): SecurityRecorder {
  const counter = createTelemetry('@tenon/tenancy').counter('tenon.security_events', 'Security events recorded');
  return {
    prepare(event) {
      const context = currentContext();
      const actor = event.actor ?? context?.actor;
      return {
        type: event.type,
        tenantId: event.tenantId ?? context?.tenant ?? null,
        actorType: actor?.type ?? null,
        actorId: clean(actor?.id),
        resource: clean(event.resource),
        otherTenantId: clean(event.otherTenantId),
        requestId: clean(event.requestId ?? context?.requestId),
        details: cleanDetails(event.details ?? {}),
      };
    },
    async write(tx, events) {
      const createdAt = new Date(config.clock.now());
      for (const event of events) {
        await sql`insert into security_events
          (tenant_id, id, type, actor_type, actor_id, resource, other_tenant_id, request_id, details, created_at)
          values (${event.tenantId}, ${config.newId()}, ${event.type}, ${event.actorType}, ${event.actorId},
            ${event.resource}, ${event.otherTenantId}, ${event.requestId}, ${event.details}, ${createdAt})`.execute(tx);
      }
    },
    announce(events) {
      for (const { details, ...event } of events) {
        counter.add(1, { 'tenon.event': event.type });
        const fields = { securityEvent: { ...event, details: JSON.parse(details) as JsonValue } };
        if (ALARMING.has(event.type)) config.logger.warn(fields, 'security event');
        else config.logger.info(fields, 'security event');
      }
    },
  };
}

function clean(text: string | undefined): string | null {
  if (text === undefined) return null;
  const whole = text.toWellFormed().replaceAll('\0', '\u{FFFD}');
  // Cut between code points, or the cut would leave half of one.
  return whole.length <= MAX_TEXT
    ? whole
    : Array.from(whole.slice(0, 2 * MAX_TEXT))
        .slice(0, MAX_TEXT)
        .join('')
        .toWellFormed();
}

function cleanDetails(details: { readonly [key: string]: JsonValue }): string {
  const text = JSON.stringify(details, (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\u{FFFD}') : value,
  );
  const bytes = Buffer.byteLength(text);
  return bytes <= MAX_DETAILS_BYTES ? text : JSON.stringify({ omittedBytes: bytes });
}
