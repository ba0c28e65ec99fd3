import { defineListing, type Listing } from '@tenon/database';
import type { SecurityEventRow } from '../tables.ts';
import { securityEventTypes } from './security-event.ts';

/** How security events can be filtered, sorted and paged. */
export const securityEventListing: Listing<SecurityEventRow> = defineListing<SecurityEventRow>({
  resource: 'security-events',
  table: 'security_events',
  fields: {
    type: { column: 'type', type: 'text', operators: ['eq', 'in'], values: securityEventTypes },
    actorId: { column: 'actor_id', type: 'text', operators: ['eq'] },
    createdAt: { column: 'created_at', type: 'timestamp', operators: ['gt', 'gte', 'lt', 'lte'], sortable: true },
  },
  defaultSort: '-createdAt',
});
