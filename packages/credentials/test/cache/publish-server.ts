import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** As much of a Redis as publishing and subscribing take, for where there is none. */
export interface PublishServer {
  readonly url: URL;
  /** Sends something on a channel, as another client would. */
  publish(channel: string, text: string): void;
  /** Ends the connections that come from some ports. @returns how many there were */
  kill(ports: readonly number[]): number;
  close(): Promise<void>;
}

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** Starts one. It speaks RESP 2 (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
export async function startPublishServer(): Promise<PublishServer> {
  const sockets = new Set<Socket>();
  const channels = new Map<Socket, Set<string>>();
  const publish = (channel: string, text: string): number => {
    const listening = [...channels].filter(([, names]) => names.has(channel));
    for (const [socket] of listening) socket.write(`*3\r\n${bulk('message')}${bulk(channel)}${bulk(text)}`);
    return listening.length;
  };
  const answer = (socket: Socket, [name = '', ...parameters]: readonly string[]): string => {
    const [first = '', second = ''] = parameters;
    switch (name.toLowerCase()) {
      case 'subscribe': {
        const names = channels.get(socket) ?? new Set();
        channels.set(socket, names.add(first));
        return `*3\r\n${bulk('subscribe')}${bulk(first)}:${names.size}\r\n`;
      }
      case 'publish':
        return `:${publish(first, second)}\r\n`;
      // What a client asks to know whether the server is ready.
      case 'info':
        return bulk('redis_version:7.0.0\r\nloading:0\r\n');
      case 'client':
      case 'select':
      case 'quit':
        return '+OK\r\n';
      default:
        return `-ERR unknown command '${name}'\r\n`;
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket
      .on('data', (bytes: Buffer) => {
        const { commands, rest } = readCommands(received + bytes.toString('latin1'));
        received = rest;
        for (const command of commands) socket.write(answer(socket, command));
      })
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket);
        channels.delete(socket);
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`),
    publish,
    kill(ports) {
      const killed = [...sockets].filter(({ remotePort }) => remotePort !== undefined && ports.includes(remotePort));
      for (const socket of killed) socket.destroy();
      return killed.length;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The whole commands at the beginning of what was received, each a list of texts, and what is left. */
function readCommands(received: string): { readonly commands: readonly (readonly string[])[]; readonly rest: string } {
  const commands: string[][] = [];
  let at = 0;
  const line = (): number | undefined => {
    const end = received.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const number = Number(received.slice(at + 1, end));
    at = end + 2;
    return number;
  };
  for (;;) {
    const start = at;
    const command: string[] = [];
    for (let left = line() ?? -1; left > 0; left -= 1) {
      const length = line();
      if (length === undefined || at + length + 2 > received.length) return { commands, rest: received.slice(start) };
      command.push(Buffer.from(received.slice(at, at + length), 'latin1').toString('utf8'));
      at += length + 2;
    }
    if (command.length === 0) return { commands, rest: received.slice(start) };
    commands.push(command);
  }
}
