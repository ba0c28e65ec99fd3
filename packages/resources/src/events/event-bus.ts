import { toError, type Logger } from '@tenon/core';
import { resourceError } from '../errors.ts';

/** Gives each event to whoever listens. */
export interface EventBus<Event> {
  /** Whether anybody listens, so that there is a reason to make an event. */
  readonly isHeard: boolean;
  /** Hands an event to every listener before it returns. What a listener throws is logged, and the others still hear it. */
  emit(event: Event): void;
  /**
   * Listens from now on. A listener must be quick.
   *
   * @returns stops listening
   */
  on(listener: (event: Event) => void): () => void;
  /**
   * The events as they come, for a reader that takes its time. What it has not read is kept up to `maxBuffered`; then the oldest are
   * dropped, and counted. It ends with the signal.
   *
   * @param options - `maxBuffered`: 1 to 1,000,000; default 10,000
   * @throws `RESOURCE_CONFIGURATION_INVALID`
   */
  stream(options: { readonly signal: AbortSignal; readonly maxBuffered?: number }): EventStream<Event>;
}

/** Events for a reader that takes its time. */
export interface EventStream<Event> extends AsyncIterable<Event> {
  /** How many events were dropped because the reader was too slow. */
  readonly dropped: number;
}

/** Makes a bus without listeners. */
export function createEventBus<Event>(logger: Logger): EventBus<Event> {
  const listeners = new Set<(event: Event) => void>();
  const on = (listener: (event: Event) => void): (() => void) => {
    // Of its own, so that one function that listens twice hears everything twice, and each stop ends one of both.
    const own = (event: Event): void => listener(event);
    listeners.add(own);
    return () => void listeners.delete(own);
  };
  return {
    get isHeard() {
      return listeners.size > 0;
    },
    emit(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (thrown) {
          logger.error({ err: toError(thrown) }, 'a listener of resource events failed');
        }
      }
    },
    on,
    stream: ({ signal, maxBuffered = 10_000 }) => createStream(on, signal, maxBuffered),
  };
}

function createStream<Event>(
  on: (listener: (event: Event) => void) => () => void,
  signal: AbortSignal,
  maxBuffered: number,
): EventStream<Event> {
  if (!Number.isInteger(maxBuffered) || maxBuffered < 1 || maxBuffered > 1_000_000) {
    throw resourceError('RESOURCE_CONFIGURATION_INVALID', 'maxBuffered must be a whole number from 1 to 1,000,000', {
      details: { option: 'maxBuffered' },
    });
  }
  const waiting: Event[] = [];
  let dropped = 0;
  let wake = Promise.withResolvers<void>();
  const stopListening = on((event) => {
    if (waiting.length >= maxBuffered) {
      waiting.shift();
      dropped += 1;
    }
    waiting.push(event);
    wake.resolve();
  });
  // Also when nobody ever reads: a stream must not outlive its signal.
  const end = (): void => {
    stopListening();
    wake.resolve();
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return {
    get dropped() {
      return dropped;
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (true) {
          const next = waiting.shift();
          if (next !== undefined) yield next;
          else if (signal.aborted) return;
          else {
            await wake.promise;
            if (!signal.aborted) wake = Promise.withResolvers<void>();
          }
        }
      } finally {
        stopListening();
        signal.removeEventListener('abort', end);
      }
    },
  };
}
