import { createTaskTracker, toError, type Clock, type Logger } from '@tenon/core';
import type { AuthSecurityEvent } from './security-event.ts';

/** Logs security events, and hands them to whoever records them. */
export interface SecurityEvents {
  /** Reports what has been committed. Never throws and never waits. */
  emit(event: Omit<AuthSecurityEvent, 'atMs' | 'details'> & { readonly details?: AuthSecurityEvent['details'] }): void;
  /** Waits until all that was reported is recorded. */
  drain(): Promise<void>;
}

/** Makes the reporter. */
export function createSecurityEvents(
  clock: Clock,
  logger: Logger,
  listener: ((event: AuthSecurityEvent) => void | Promise<void>) | undefined,
): SecurityEvents {
  const deliveries = createTaskTracker();
  const deliver = async (event: AuthSecurityEvent): Promise<void> => {
    try {
      await listener?.(event);
    } catch (thrown) {
      logger.error({ error: toError(thrown), type: event.type }, 'a security event could not be recorded');
    }
  };
  return {
    emit(given) {
      const event: AuthSecurityEvent = Object.freeze({ details: {}, ...given, atMs: clock.now() });
      logger.info({ ...event }, 'security event');
      void deliveries.run(() => deliver(event));
    },
    drain: () => deliveries.idle(),
  };
}
