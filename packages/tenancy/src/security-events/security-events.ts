import type { CursorCodec, ListPage, ListRequest } from '@tenon/database';
import type { NewSecurityEvent, SecurityEvent } from './security-event.ts';

/** The append-only record of what matters to security. Nobody, the owner of the database included, can change or delete it. */
export interface SecurityEvents {
  /**
   * Records one event: a row, a log line of level `warn`, and a count in the metric `tenon.security_events`. It takes a
   * transaction of its own, so call it outside of any. Text that is too long, or that a database cannot hold, is cut or
   * cleaned and not refused: an attacker must not be able to prevent the record by what they send.
   */
  record(event: NewSecurityEvent): Promise<void>;
  /**
   * The events of the context's tenant.
   *
   * @param request - made by `securityEventListing.parse`
   * @param cursors - the codec that `parse` was given
   */
  list(request: ListRequest, cursors: CursorCodec): Promise<ListPage<SecurityEvent>>;
}
