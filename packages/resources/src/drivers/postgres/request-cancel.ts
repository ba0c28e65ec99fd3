import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { SqlTarget } from '../sql/sql-target.ts';

/** Whom to stop, and where. */
export interface CancelRequest {
  readonly target: Pick<SqlTarget, 'host' | 'address' | 'port'>;
  readonly ssl: false | ConnectionOptions;
  /** A client of `pg`: it knows the number of its process, and the key for it. */
  readonly client: object;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;

/**
 * Asks a PostgreSQL to stop what a connection runs (manual, "Canceling Requests in Progress"). The request goes over a connection of its own,
 * without a login, which the server closes when it has acted on it. It says nothing about what became of it.
 */
export async function requestCancel({ target, ssl, client, signal }: CancelRequest): Promise<void> {
  const { host, address = host, port } = target;
  const plain = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, address);
  let socket: Socket = plain;
  const drop = (): void => void plain.destroy();
  signal.addEventListener('abort', drop, { once: true });
  try {
    await arrival(plain, 'connect');
    if (ssl !== false) socket = await encrypt(plain, host, ssl);
    const closed = arrival(socket, 'close');
    socket.resume();
    socket.write(message(CANCEL_REQUEST, numberIn(client, 'processID'), numberIn(client, 'secretKey')));
    await closed;
  } finally {
    signal.removeEventListener('abort', drop);
    socket.destroy();
    plain.destroy();
  }
}

async function encrypt(plain: Socket, host: string, ssl: ConnectionOptions): Promise<Socket> {
  const answer = new Promise<Buffer>((resolve) => void plain.once('data', resolve));
  plain.write(message(SSL_REQUEST));
  const [verdict] = await Promise.race([answer, arrival(plain, 'close').then(() => Buffer.alloc(1))]);
  if (verdict !== 'S'.charCodeAt(0)) throw new Error('the server does not encrypt a request to cancel');
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ ...ssl, ...name, socket: plain });
  await arrival(socket, 'secureConnect');
  return socket;
}

function arrival(socket: Socket, event: 'connect' | 'secureConnect' | 'close'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', reject);
    if (event !== 'close') socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

function message(...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * words.length);
  bytes.writeInt32BE(bytes.length);
  for (const [index, word] of words.entries()) bytes.writeInt32BE(word, 4 + 4 * index);
  return bytes;
}

function numberIn(client: object, name: string): number {
  const value: unknown = Reflect.get(client, name);
  if (typeof value === 'number') return value;
  throw new Error(`the client has no ${name}`);
}
