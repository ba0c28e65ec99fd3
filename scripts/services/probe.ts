import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const timeoutMs = 3_000;

/** What {@link converse} takes. */
export interface Conversation {
  readonly host: string;
  readonly port: number;
  /** Default false. */
  readonly tls?: boolean;
  /** Bytes to send first. */
  readonly hello: Uint8Array;
  /**
   * Reads what has come so far.
   *
   * @returns `wait` for more, `usable`, or the reason why the server is not
   */
  judge(received: Buffer): 'wait' | 'usable' | { readonly reason: string };
}

/**
 * Sends a greeting to a server and judges its answer.
 *
 * @returns undefined when it is usable, or else why not: refused, silent for 3 seconds, or what `judge` says
 */
export function converse(conversation: Conversation): Promise<string | undefined> {
  const { host, port, tls, hello } = conversation;
  return new Promise((resolve) => {
    const socket: Socket = tls
      ? connectTls({ host, port, rejectUnauthorized: false, servername: host })
      : connectTcp({ host, port });
    let received: Buffer = Buffer.alloc(0);
    const finish = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(timeoutMs, () => finish(`${host}:${port} is silent`));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(`${host}:${port}: ${error.code ?? error.message}`));
    socket.on('close', () => finish(`${host}:${port} closed the connection`));
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.write(hello));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const verdict = conversation.judge(received);
      if (verdict === 'usable') finish(undefined);
      else if (verdict !== 'wait') finish(verdict.reason);
    });
  });
}
