import { AsyncLocalStorage } from 'node:async_hooks';
import { deadlineAfter, silentLogger, sleep, systemClock, toError, type Clock, type Logger } from '@tenon/core';
import { credentialError } from '../errors.ts';
import { beforeAbort } from './before-abort.ts';
import { createMessageFormat } from './invalidation-message.ts';
import type { ConnectedInvalidation, InvalidationListener } from './invalidation.ts';
import { createPendingChanges } from './pending-changes.ts';
import type { Relay, RelayEvents, RelayOptions, RelaySession } from './relay.ts';

const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;
// Past this, one message that everything has changed is cheaper for all.
const MAX_PENDING = 10_000;
const BATCH = 500;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
// A connection that held for so long was a good one.
const STABLE_MS = 10_000;

/**
 * Makes an invalidation out of connections that break.
 *
 * A connection counts once a message of one's own has come back over it: then listeners are told that they may have missed something, and
 * hear what comes after it. The same kind of message, sent again and again, shows a connection that died silently. Between tries there are
 * waits that double up to 5 seconds, with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 */
export function createRelayedInvalidation(relay: Relay, options: RelayOptions): ConnectedInvalidation {
  return new RelayedInvalidation(relay, options);
}

class RelayedInvalidation implements ConnectedInvalidation {
  readonly #relay: Relay;
  readonly #channel: string;
  readonly #heartbeatMs: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #format = createMessageFormat();
  readonly #pending = createPendingChanges(MAX_PENDING);
  readonly #listeners = new Set<InvalidationListener>();
  // A connection outlives the context of whoever uses it first.
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #live = newPromise();
  #probe = { number: 0, ...newPromise() };
  #isSending = false;
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(relay: Relay, options: RelayOptions) {
    this.#relay = relay;
    this.#channel = options.channel ?? 'tenon_credentials';
    if (!CHANNEL.test(this.#channel))
      throw invalid('channel', 'must be 1 to 63 of a-z, 0-9 and "_", no digit in front');
    this.#heartbeatMs = whole('heartbeatMs', options.heartbeatMs ?? 10_000, 100, 600_000);
    this.#timeoutMs = whole('timeoutMs', options.timeoutMs ?? 5_000, 1, 60_000);
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#random = options.random ?? Math.random;
  }

  publish(key: string): void {
    // Those of this process need no round trip, after which they would forget what they have read again meanwhile.
    this.#tell((listener) => listener.changed(key));
    if (this.#closing !== undefined) {
      this.#logger.error(
        { relay: this.#relay.name },
        'a change of a credential was not told: the invalidation is closed',
      );
      return;
    }
    this.#pending.add(key);
    this.#start();
    this.#wake.abort();
  }

  subscribe(listener: InvalidationListener): () => void {
    const own: InvalidationListener = { changed: (key) => listener.changed(key), missed: () => listener.missed() };
    this.#listeners.add(own);
    if (this.#closing === undefined) this.#start();
    return () => void this.#listeners.delete(own);
  }

  async ready(signal?: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    this.#start();
    if (signal === undefined) return this.#live.promise;
    return beforeAbort(this.#live.promise, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      throw credentialError('CREDENTIAL_ABORTED', 'the caller gave up before the invalidation was connected', {
        cause: signal.reason,
      });
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.resolve(); // from here on #closing is set
    this.#wake.abort();
    // A program that changes something and ends must tell the others too, although it may be connecting only now.
    if (this.#running !== undefined && (this.#isSending || !this.#pending.isEmpty())) {
      const deadline = deadlineAfter(this.#timeoutMs, { clock: this.#clock });
      await beforeAbort(this.#running, deadline.signal).catch(() => undefined);
      deadline.cancel();
    }
    this.#stop.abort();
    await this.#running;
    this.#live.reject(closed());
    if (this.#pending.isEmpty()) return;
    this.#logger.error({ relay: this.#relay.name }, 'changes of credentials were not told: the invalidation is closed');
  }

  #start(): void {
    this.#running ??= this.#outside(() => this.#run());
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      const startedAtMs = this.#clock.monotonicMs();
      try {
        await this.#useConnection();
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        failures = this.#clock.monotonicMs() - startedAtMs >= STABLE_MS ? 1 : failures + 1;
        const waitMs = this.#random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
        const fields = { err: toError(error), relay: this.#relay.name, waitMs: Math.round(waitMs) };
        this.#logger.warn(fields, 'changes of credentials are not heard; connecting again');
        await sleep(this.#clock, waitMs, this.#stop.signal, { keepAlive: false }).catch(() => undefined);
      }
    }
  }

  /** Resolves when it is closing and all has been told; rejects when the connection cannot be made or breaks. */
  async #useConnection(): Promise<void> {
    const lost = new AbortController();
    const ended = AbortSignal.any([lost.signal, this.#stop.signal]);
    let isLive = false;
    const events: RelayEvents = {
      lost: (reason) => lost.abort(reason),
      heard: (text) => {
        if (lost.signal.aborted) return;
        const message = this.#format.read(text);
        if (message.what === 'probe') {
          if (message.number !== this.#probe.number) return;
          // At once, because the next message may follow in this same turn.
          if (!isLive) this.#tell((listener) => listener.missed());
          isLive = true;
          this.#probe.resolve();
        } else if (isLive && message.what !== 'nothing') {
          this.#tell((listener) => (message.what === 'all' ? listener.missed() : listener.changed(message.key)));
        }
      },
    };
    const session = await this.#relay.open(this.#channel, events, this.#timeoutMs);
    try {
      await this.#tryOut(session, ended);
      this.#live.resolve();
      await this.#serve(session, ended);
    } finally {
      lost.abort(new Error('the session has ended'));
      if (isLive) this.#live = newPromise();
      await session.close();
    }
  }

  async #serve(session: RelaySession, ended: AbortSignal): Promise<void> {
    let dueAtMs = this.#clock.monotonicMs() + this.#heartbeatMs;
    for (;;) {
      while (await this.#sendSome(session, ended));
      if (this.#closing !== undefined) return;
      const leftMs = dueAtMs - this.#clock.monotonicMs();
      if (leftMs > 0) {
        this.#wake = new AbortController();
        const woken = AbortSignal.any([this.#wake.signal, ended]);
        await sleep(this.#clock, leftMs, woken, { keepAlive: false }).catch(() => undefined);
        ended.throwIfAborted();
      } else {
        await this.#tryOut(session, ended);
        dueAtMs = this.#clock.monotonicMs() + this.#heartbeatMs;
      }
    }
  }

  async #sendSome(session: RelaySession, ended: AbortSignal): Promise<boolean> {
    const changes = this.#pending.take(BATCH);
    if (changes === undefined) return false;
    this.#isSending = true;
    try {
      const messages = changes === 'all' ? [this.#format.all()] : changes.map((key) => this.#format.changed(key));
      await this.#inTime(session.send(messages), ended);
      return true;
    } catch (error) {
      // Told twice is better than not at all.
      this.#pending.giveBack(changes);
      throw error;
    } finally {
      this.#isSending = false;
    }
  }

  /** Sends a message, and waits until it has come back. */
  async #tryOut(session: RelaySession, ended: AbortSignal): Promise<void> {
    const probe = { number: this.#probe.number + 1, ...newPromise() };
    this.#probe = probe;
    const back = session.send([this.#format.probe(probe.number)]).then(() => probe.promise);
    await this.#inTime(back, ended);
  }

  async #inTime(work: Promise<void>, ended: AbortSignal): Promise<void> {
    const deadline = deadlineAfter(this.#timeoutMs, { clock: this.#clock, signal: ended, name: 'a message' });
    try {
      await beforeAbort(work, deadline.signal);
    } finally {
      deadline.cancel();
    }
  }

  #tell(call: (listener: InvalidationListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener);
      } catch (error) {
        this.#logger.error({ err: toError(error) }, 'a listener of the invalidation failed');
      }
    }
  }
}

// What nobody may be waiting for must not count as an unhandled rejection.
function newPromise(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => undefined);
  return made;
}

function whole(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(option, `must be a whole number from ${min} to ${max}`);
}

function invalid(option: string, why: string): Error {
  return credentialError('CREDENTIALS_OPTIONS_INVALID', `option "${option}" of the invalidation ${why}`, {
    details: { option },
  });
}

function closed(): Error {
  return credentialError('CREDENTIALS_CLOSED', 'the invalidation has been closed');
}
