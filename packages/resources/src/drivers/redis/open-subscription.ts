import { resourceError, type ResourceError } from '../../errors.ts';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import { toError } from '@tenon/core';
import type { RedisConnection } from './redis-connection.ts';
import type { SubscribeOptions } from './redis-face.ts';
import { literalPattern } from './scan-keys.ts';
import { createSubscriptionFeed, type RedisSubscription, type SubscriptionFeed } from './subscription.ts';

/** Listens for one borrower. */
export async function openSubscription(
  { prefix, subscriptions, target }: RedisConnection,
  context: ExposeContext,
  channels: string | readonly string[],
  { pattern = false, signal, maxBuffered = 1_000 }: SubscribeOptions,
): Promise<RedisSubscription> {
  context.assertHeld();
  const names = namesOf(target.resource, pattern ? literalPattern(prefix) : prefix, channels);
  checkMaxBuffered(target.resource, maxBuffered);
  const feed = createSubscriptionFeed(maxBuffered);
  // Whoever gave the lease back hears nothing any more.
  const fenced: SubscriptionFeed = {
    ...feed,
    push(event) {
      try {
        context.assertHeld();
        feed.push(event);
      } catch (error) {
        end(toError(error));
      }
    },
  };
  const interest = { names, isPattern: pattern, feed: fenced };
  const onRevoked = (): void => end(toError(context.signal.reason));
  const onStopped = (): void => end();
  const end = (error?: Error): void => {
    feed.finish(error);
    context.signal.removeEventListener('abort', onRevoked);
    signal?.removeEventListener('abort', onStopped);
    void subscriptions.remove(interest);
  };
  const stop = async (): Promise<void> => {
    end();
    await subscriptions.remove(interest);
  };
  await subscriptions.add(interest);
  context.signal.addEventListener('abort', onRevoked, { once: true });
  signal?.addEventListener('abort', onStopped, { once: true });
  if (signal?.aborted === true) onStopped();
  if (context.signal.aborted) onRevoked();
  return {
    stop,
    [Symbol.asyncDispose]: stop,
    [Symbol.asyncIterator]() {
      const inner = feed[Symbol.asyncIterator]();
      return {
        next: () => inner.next(),
        async return() {
          await stop();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function namesOf(resource: string, prefix: string, channels: string | readonly string[]): readonly string[] {
  const names = (typeof channels === 'string' ? [channels] : channels).map((channel) => prefix + channel);
  if (names.length === 0) throw invalid(resource, 'a channel or more');
  return names;
}

function checkMaxBuffered(resource: string, maxBuffered: number): void {
  const isValid = Number.isSafeInteger(maxBuffered) && maxBuffered >= 1 && maxBuffered <= 1_000_000;
  if (!isValid) throw invalid(resource, '"maxBuffered" from 1 to 1,000,000');
}

const invalid = (resource: string, what: string): ResourceError =>
  resourceError('RESOURCE_VALUE_INVALID', `a subscription in Redis "${resource}" needs ${what}`, {
    details: { resource },
  });
