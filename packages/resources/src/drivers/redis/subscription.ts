/** What a subscriber hears. */
export type RedisSubscriptionEvent =
  | {
      readonly type: 'message';
      /** Without prefix. */
      readonly channel: string;
      readonly message: string;
    }
  /**
   * Messages may be missing here: the connection was lost and is there again (`reconnected`), or the subscriber was too slow and the oldest
   * `dropped` of those that waited were forgotten (`overflow`).
   */
  | { readonly type: 'gap'; readonly reason: 'reconnected' }
  | { readonly type: 'gap'; readonly reason: 'overflow'; readonly dropped: number };

/** Hears what is published, in order, until it is stopped. Each event goes to one reader. */
export interface RedisSubscription extends AsyncIterable<RedisSubscriptionEvent>, AsyncDisposable {
  /** Ends it: readers that wait are done. Idempotent. */
  stop(): Promise<void>;
}

/** The side of {@link RedisSubscription} on which events come in. */
export interface SubscriptionFeed extends AsyncIterable<RedisSubscriptionEvent> {
  push(event: RedisSubscriptionEvent): void;
  /** @param error - what readers get, after the events that wait; without one they are done */
  finish(error?: Error): void;
}

/** @param maxBuffered - how many messages may wait for their reader */
export function createSubscriptionFeed(maxBuffered: number): SubscriptionFeed {
  const waiting: RedisSubscriptionEvent[] = [];
  let dropped = 0;
  let end: { readonly error: Error | undefined } | undefined;
  const readers: PromiseWithResolvers<IteratorResult<RedisSubscriptionEvent>>[] = [];

  const take = (): RedisSubscriptionEvent | undefined => {
    if (dropped === 0) return waiting.shift();
    const gap = { type: 'gap', reason: 'overflow', dropped } as const;
    dropped = 0;
    return gap;
  };
  const next = async (): Promise<IteratorResult<RedisSubscriptionEvent>> => {
    const value = take();
    if (value !== undefined) return { done: false, value };
    if (end !== undefined) {
      const { error } = end;
      end = { error: undefined };
      if (error !== undefined) throw error;
      return { done: true, value: undefined };
    }
    const reader = Promise.withResolvers<IteratorResult<RedisSubscriptionEvent>>();
    readers.push(reader);
    return reader.promise;
  };

  return {
    push(event) {
      if (end !== undefined) return;
      const reader = readers.shift();
      if (reader !== undefined) {
        reader.resolve({ done: false, value: event });
        return;
      }
      waiting.push(event);
      if (waiting.length <= maxBuffered) return;
      // A gap that is dropped is part of the gap that is told.
      waiting.shift();
      dropped += 1;
    },
    finish(error) {
      if (end !== undefined) return;
      const [first, ...others] = readers.splice(0);
      end = { error: first === undefined ? error : undefined };
      if (error === undefined) first?.resolve({ done: true, value: undefined });
      else first?.reject(error);
      for (const reader of others) reader.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => ({ next }),
  };
}
