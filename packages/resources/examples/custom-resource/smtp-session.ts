import { connect, type Socket } from 'node:net';
import { CodedError } from '@tenon/core';

/** An answer: its code, and the text of its last line. */
export interface SmtpReply {
  readonly code: number;
  readonly text: string;
}

/** A connection to a mail server, on which one command is under way at a time. */
export interface SmtpSession {
  /** Whether it is beyond use: gone, or too late with an answer. */
  readonly isLost: boolean;
  /** Sends a line, and waits for the answer, whatever it is. */
  ask(line: string, facts?: { readonly mayHaveBeenApplied: boolean }): Promise<SmtpReply>;
  /** Sends a line, and waits for the answer with that code. @throws `MAIL_REFUSED`, `MAIL_DEFERRED` for another one */
  command(line: string, code: number, facts?: { readonly mayHaveBeenApplied: boolean }): Promise<string>;
  /** Says goodbye. @param signal - ends it without */
  end(signal: AbortSignal): Promise<void>;
  drop(): void;
}

/** Where the server is. */
export interface SmtpPlace {
  readonly host: string;
  readonly port: number;
  readonly replyTimeoutMs: number;
}

/**
 * Connects, and waits until the server greets.
 *
 * @param name - of the resource, for errors
 */
export async function connectSmtp(name: string, place: SmtpPlace, signal: AbortSignal): Promise<SmtpSession> {
  signal.throwIfAborted();
  const session = openSession(name, connect({ host: place.host, port: place.port }), place.replyTimeoutMs);
  const drop = (): void => session.drop();
  signal.addEventListener('abort', drop, { once: true });
  try {
    await session.greeting;
    return session;
  } finally {
    signal.removeEventListener('abort', drop);
  }
}

function openSession(name: string, socket: Socket, replyTimeoutMs: number) {
  let waiting: { readonly reply: PromiseWithResolvers<SmtpReply>; readonly mayHaveBeenApplied: boolean } | undefined;
  let unread = '';
  let isTooLate = false;

  const listen = (mayHaveBeenApplied: boolean): Promise<SmtpReply> => {
    waiting = { reply: Promise.withResolvers<SmtpReply>(), mayHaveBeenApplied };
    socket.setTimeout(replyTimeoutMs);
    return waiting.reply.promise;
  };
  const answered = (): typeof waiting => {
    const before = waiting;
    waiting = undefined;
    socket.setTimeout(0);
    return before;
  };
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    unread += text;
    // `250-...` is followed by more lines, `250 ...` is the last one.
    const last = /^(\d{3})(?: (.*))?\r?\n/m.exec(unread);
    if (last === null) return;
    unread = '';
    answered()?.reply.resolve({ code: Number(last[1]), text: last[2] ?? '' });
  });
  // The answer would come when somebody else waits for another one: nobody may use it any more.
  socket.on('timeout', () => {
    isTooLate = true;
    socket.destroy();
  });
  socket.on('error', () => undefined); // `close` follows
  socket.on('close', () => {
    const before = answered();
    before?.reply.reject(lost(name, isTooLate, before.mayHaveBeenApplied));
  });

  const drop = (): void => void socket.destroy();
  const ask: SmtpSession['ask'] = async (line, facts) => {
    if (socket.destroyed) throw lost(name, isTooLate, false);
    socket.write(`${line}\r\n`);
    return listen(facts?.mayHaveBeenApplied ?? false);
  };
  return {
    greeting: listen(false),
    get isLost() {
      return socket.destroyed || socket.readableEnded;
    },
    ask,
    async command(line: string, code: number, facts?: { readonly mayHaveBeenApplied: boolean }) {
      const reply = await ask(line, facts);
      if (reply.code === code) return reply.text;
      throw refused(name, reply.code);
    },
    async end(signal: AbortSignal) {
      signal.addEventListener('abort', drop, { once: true });
      // Whether the server answers or not, it is over.
      if (!signal.aborted) await ask('QUIT').catch(() => undefined);
      signal.removeEventListener('abort', drop);
      drop();
    },
    drop,
  } satisfies SmtpSession & { readonly greeting: Promise<SmtpReply> };
}

// What the server has said is not shown: it may repeat what it was told.
function refused(name: string, code: number): CodedError {
  const isForNow = code >= 400 && code < 500;
  const why = isForNow ? 'cannot take a mail now' : 'refused a mail';
  return new CodedError(
    isForNow ? 'MAIL_DEFERRED' : 'MAIL_REFUSED',
    `the server of "${name}" ${why}: it said ${code}`,
    {
      retryable: isForNow,
      details: { resource: name, code },
    },
  );
}

function lost(name: string, isTooLate: boolean, mayHaveBeenApplied: boolean): CodedError {
  const [code, what] = isTooLate
    ? ['RESOURCE_TIMEOUT', `the server of "${name}" did not answer in time`]
    : ['RESOURCE_CONNECTION_LOST', `the connection to the server of "${name}" broke, or could not be made`];
  const details = { resource: name, mayHaveBeenApplied };
  return new CodedError(code, what, { retryable: !mayHaveBeenApplied, details });
}
