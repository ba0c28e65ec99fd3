import { once } from 'node:events';
import { connect } from 'node:net';

/** A TCP connection on which a test writes HTTP by hand. */
export interface RawConnection {
  /** Sends text and waits for one answer with a Content-Length; what came so far when the connection ends before. */
  send(text: string): Promise<string>;
  /** Sends text and waits for nothing. */
  write(text: string): void;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;
  end(): void;
}

/** Connects to the address of a URL. */
export async function openRawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk;
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    async send(text: string): Promise<string> {
      received = '';
      socket.write(text);
      const answered = new Promise<void>((resolve) => {
        const look = (): void => {
          if (!isWhole(received)) return;
          socket.off('data', look);
          resolve();
        };
        socket.on('data', look);
      });
      await Promise.race([answered, closed]);
      return received;
    },
    write: (text) => void socket.write(text),
    closed,
    end: () => void socket.destroy(),
  };
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return end !== -1 && text.length >= end + 4 + length;
}
