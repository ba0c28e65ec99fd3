import type { AuthSecurityEvent } from '@tenon/auth';
import type { NewSecurityEvent } from '@tenon/tenancy';

/**
 * Puts an event of `auth` into the form of the tenants' security record; both use the same names. Nothing when it is harmless
 * and too frequent for a permanent row: auth logs it anyway.
 */
export function toSecurityEvent(event: AuthSecurityEvent): NewSecurityEvent | undefined {
  if (event.type === 'refresh-token.reissued') return undefined;
  return {
    type: event.type,
    ...(event.accountId === undefined ? {} : { actor: { type: 'user', id: event.accountId } }),
    ...(event.tenantId === undefined ? {} : { tenantId: event.tenantId }),
    ...(event.sessionId === undefined ? {} : { resource: `sessions/${event.sessionId}` }),
    details: {
      ...event.details,
      ...(event.ip === undefined ? {} : { ip: event.ip }),
      ...(event.userAgent === undefined ? {} : { userAgent: event.userAgent }),
    },
  };
}
