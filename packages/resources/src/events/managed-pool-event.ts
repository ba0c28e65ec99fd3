import { codeOfFailure } from '@tenon/core';
import type { PoolEvent } from '../pool/pool-event.ts';

type WithoutError<Event> = Event extends { readonly error: unknown }
  ? Omit<Event, 'error'> & { readonly code: string }
  : Event;

/** A {@link PoolEvent} in which failures are told by their code: errors of libraries may hold addresses and passwords. */
export type ManagedPoolEvent = WithoutError<PoolEvent>;

/** Takes the errors out of an event. */
export function withoutError(event: PoolEvent): ManagedPoolEvent {
  if (!('error' in event)) return event;
  const { error, ...rest } = event;
  return { ...rest, code: codeOfFailure(error) };
}
