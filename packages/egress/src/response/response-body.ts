import type { JsonValue } from '@tenon/core';

/**
 * The body of an answer, read once, by one of these. The connection is held until it has been read, discarded, or the
 * request's time is over; so read it, or discard it.
 *
 * Each throws `EGRESS_BODY_TOO_LARGE` past the limit, `EGRESS_TIMEOUT`, `EGRESS_ABORTED`, `EGRESS_EXCHANGE_FAILED` when the connection
 * breaks, and `EGRESS_RESPONSE_INVALID` when it cannot be decoded or was read already.
 */
export interface ResponseBody extends AsyncIterable<Uint8Array> {
  /** All of it. */
  bytes(): Promise<Uint8Array>;
  /** All of it as UTF-8; what is no UTF-8 becomes U+FFFD. */
  text(): Promise<string>;
  /**
   * All of it as JSON.
   *
   * @throws `EGRESS_RESPONSE_INVALID` when it is none
   */
  json(): Promise<JsonValue>;
  /** As it comes, within the same limits. Cancelling it closes the connection, unless all of it has come. */
  stream(): ReadableStream<Uint8Array>;
  /**
   * Gives up what has not been read. A short rest is read and thrown away, so that the connection can be used again; a long
   * one closes it. Never throws, and may be called at any time.
   */
  discard(): Promise<void>;
}
