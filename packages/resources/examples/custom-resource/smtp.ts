import { CodedError, toError } from '@tenon/core';
import { defineResource, type ResourceToken, type SlotCredential } from '@tenon/resources';
import { Type } from 'typebox';
import { connectSmtp, type SmtpSession } from './smtp-session.ts';

const schema = Type.Object(
  {
    host: Type.String({ default: '127.0.0.1' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 25 }),
    /** How long the server may take for one answer, in milliseconds. */
    replyTimeoutMs: Type.Integer({ minimum: 1, maximum: 600_000, default: 10_000 }),
  },
  { additionalProperties: false },
);

/** One mail: its addresses, and its text with headers. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

/** What borrowers get: one session with a mail server. */
export interface SmtpFace {
  /**
   * Sends a mail.
   *
   * @returns what the server said when it took it
   * @throws `MAIL_INVALID`, `MAIL_REFUSED`, `MAIL_DEFERRED` (retryable), `RESOURCE_CONNECTION_LOST`, `RESOURCE_TIMEOUT`
   */
  send(mail: Mail): Promise<string>;
}

/**
 * A mail server that is spoken to in SMTP (RFC 5321), logged in to with AUTH PLAIN. Without TLS: for a server on this machine.
 *
 * @param options - `port` is required; `login` is the id of a credential of the kind `basic`
 */
export function smtp(
  name: string,
  options: { readonly port: number; readonly host?: string; readonly replyTimeoutMs?: number; readonly login: string },
): ResourceToken<SmtpFace> {
  const { login, ...config } = options;
  return defineResource({
    name,
    technology: 'smtp',
    schema,
    config: { host: '127.0.0.1', replyTimeoutMs: 10_000, ...config },
    credentials: { login: { kind: 'basic', id: login } },
    pool: { max: 4, idleTimeoutMs: 60_000 },
    async create({ config: settings, credentials, signal }) {
      const session = await connectSmtp(name, settings, signal);
      try {
        await session.command('EHLO tenon.example', 250);
        await logIn(name, session, credentials.login);
        return session;
      } catch (error) {
        session.drop();
        throw error;
      }
    },
    // A session that is polite says goodbye; one that is not any more is dropped when the time for it is over.
    destroy: (session, { signal }) => session.end(signal),
    check: (session) => session.command('NOOP', 250).then(() => true),
    isBroken: (session) => session.isLost,
    // A mail that was begun and not finished must not become the next borrower's.
    reset: (session) => session.command('RSET', 250).then(() => true),
    expose: (session, lease) => ({
      async send(mail: Mail) {
        lease.assertHeld();
        try {
          return await deliver(name, session, mail);
        } catch (thrown) {
          if (session.isLost) lease.failed();
          throw toError(thrown);
        }
      },
    }),
  });
}

async function logIn(name: string, session: SmtpSession, { secret, value }: SlotCredential): Promise<void> {
  const user = 'username' in value ? String(value.username) : '';
  const token = Buffer.from(`\0${user}\0${secret.reveal()}`).toString('base64');
  const { code } = await session.ask(`AUTH PLAIN ${token}`);
  if (code === 235) return;
  throw new CodedError('RESOURCE_ACCESS_DENIED', `the server of "${name}" refused the login: look at its credential`, {
    details: { resource: name },
  });
}

const ADDRESS = /^[^\s<>@]+@[^\s<>@]+$/;

async function deliver(name: string, session: SmtpSession, { from, to, text }: Mail): Promise<string> {
  // Also so that nobody puts a command into an address.
  const wrong = [from, ...to].find((address) => !ADDRESS.test(address));
  if (wrong !== undefined || to.length === 0) {
    throw new CodedError('MAIL_INVALID', `a mail for "${name}" needs addresses such as ada@acme.example`, {
      details: { resource: name },
    });
  }
  await session.command(`MAIL FROM:<${from}>`, 250);
  for (const address of to) await session.command(`RCPT TO:<${address}>`, 250);
  await session.command('DATA', 354);
  // RFC 5321, 4.5.2: a line that begins with a dot gets another one.
  const body = text.replaceAll(/\r?\n/g, '\r\n').replaceAll(/^\./gm, '..');
  return session.command(`${body}\r\n.`, 250, { mayHaveBeenApplied: true });
}
