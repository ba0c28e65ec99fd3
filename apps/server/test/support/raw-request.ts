import { connect } from 'node:net';

/**
 * Writes bytes to a server, and reads until it closes the connection or has sent a whole answer.
 *
 * @returns what came back: status line, headers, and body
 */
export function sendRaw(
  url: string,
  bytes: string | Uint8Array,
): Promise<{ status: number; headers: Headers; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    const finish = (): void => {
      socket.destroy();
      resolve(parseAnswer(received));
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (isWhole(received)) finish();
    });
    socket.on('error', (error) => (received === '' ? reject(error) : finish()));
    socket.on('close', finish);
  });
}

function isWhole(received: string): boolean {
  const end = received.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(received)?.[1];
  return end !== -1 && length !== undefined && Buffer.byteLength(received.slice(end + 4)) >= Number(length);
}

function parseAnswer(received: string): { status: number; headers: Headers; text: string } {
  const [head = '', text = ''] = received.split(/\r\n\r\n(.*)/s);
  const [line = '', ...lines] = head.split('\r\n');
  const headers = lines.map((one): [string, string] => {
    const colon = one.indexOf(':');
    return [one.slice(0, colon), one.slice(colon + 1).trim()];
  });
  return { status: Number(line.split(' ')[1]), headers: new Headers(headers), text };
}
