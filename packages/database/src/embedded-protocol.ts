import type { PGlite } from '@electric-sql/pglite';

// Message types of the front end, from "Message Formats" in PostgreSQL's documentation of its protocol.
const PARSE = 0x50;
const BIND = 0x42;
const DESCRIBE = 0x44;
const EXECUTE = 0x45;
const CLOSE = 0x43;
/** Messages that a server need not answer before the Sync, Flush or Query that follows them. */
const ANSWERED_LATER: ReadonlySet<number | undefined> = new Set([PARSE, BIND, DESCRIBE, EXECUTE, CLOSE]);

/**
 * Hands node-postgres' messages to the embedded database as a socket would: those of one prepared statement together, when
 * its Sync comes. Called for each message, the database would be entered five times for a statement instead of once.
 *
 * @returns the part of PGlite that its connection for node-postgres uses
 */
export function joinMessages(embedded: PGlite): PGlite {
  let waiting: Uint8Array[] = [];
  const joined: Pick<PGlite, 'waitReady' | 'execProtocolStream'> = {
    waitReady: embedded.waitReady,
    execProtocolStream(message, options) {
      waiting.push(message);
      if (ANSWERED_LATER.has(message[0])) return Promise.resolve([]);
      const messages = waiting.length === 1 ? message : Buffer.concat(waiting);
      waiting = [];
      return embedded.execProtocolStream(messages, options);
    },
  };
  return joined as PGlite;
}
