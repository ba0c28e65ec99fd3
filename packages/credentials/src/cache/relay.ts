import type { Clock, Logger } from '@tenon/core';

/** What every invalidation over a connection takes. */
export interface RelayOptions {
  /** What is sent and heard on: 1 to 63 of `a-z 0-9 _`, no digit in front. Default `tenon_credentials`. */
  readonly channel?: string;
  /** How often it is tried out whether messages still arrive, in milliseconds, 100 to 600,000. Default 10,000. */
  readonly heartbeatMs?: number;
  /** How long connecting, sending, a heartbeat and closing may take, each, in milliseconds, 1 to 60,000. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Hears of broken connections, and of changes that could not be told. Default: silent. */
  readonly logger?: Logger;
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** What a session tells whoever opened it. */
export interface RelayEvents {
  heard(message: string): void;
  /** Nothing will be heard any more. */
  lost(reason: Error): void;
}

/** A connection over which all that is sent is heard by all who are connected, its sender included, in one order. */
export interface RelaySession {
  send(messages: readonly string[]): Promise<void>;
  /** Ends it, at once if need be. Never rejects. */
  close(): Promise<void>;
}

/** What a driver brings: how to connect, once. */
export interface Relay {
  /** For the log: `postgres`, `redis`. */
  readonly name: string;
  /** Connects and listens. Rejects within `timeoutMs`, leaving nothing open, when that cannot be done. */
  open(channel: string, events: RelayEvents, timeoutMs: number): Promise<RelaySession>;
}
