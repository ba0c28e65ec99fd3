import { currentContext, deepFreeze, requireTenant } from '@tenon/core';
import { mapPage } from '@tenon/database';
import type { TenancyConfig } from '../options.ts';
import type { SecurityEventRow } from '../tables.ts';
import type { SecurityEvent } from './security-event.ts';
import { securityEventListing } from './security-event-listing.ts';
import type { SecurityEvents } from './security-events.ts';
import type { SecurityRecorder } from './security-recorder.ts';

/** Makes the service. */
export function createSecurityEvents(config: TenancyConfig, recorder: SecurityRecorder): SecurityEvents {
  const { database } = config;
  return {
    async record(event) {
      const prepared = [recorder.prepare(event)];
      const ownTenant = prepared[0]?.tenantId === currentContext()?.tenant;
      // The tenant's own role may write for its tenant only; for no tenant, or for another one, it takes system rights.
      if (ownTenant) await database.withTenant((tx) => recorder.write(tx, prepared));
      else await database.withSystem('record-security-event', (tx) => recorder.write(tx, prepared));
      recorder.announce(prepared);
    },
    async list(request, cursors) {
      const tenant = requireTenant();
      const page = await database.withTenant((tx) =>
        securityEventListing.read(tx, request, cursors, (query) => query.where('tenant_id', '=', tenant)),
      );
      return mapPage(page, toSecurityEvent);
    },
  };
}

function toSecurityEvent(row: SecurityEventRow): SecurityEvent {
  return Object.freeze({
    id: row.id,
    type: row.type,
    tenantId: row.tenant_id,
    otherTenantId: row.other_tenant_id,
    actor: row.actor_type === null ? null : Object.freeze({ type: row.actor_type, id: row.actor_id ?? '' }),
    resource: row.resource,
    requestId: row.request_id,
    details: deepFreeze(row.details),
    createdAt: row.created_at.toISOString(),
  });
}
