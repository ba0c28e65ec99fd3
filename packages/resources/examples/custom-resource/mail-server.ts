import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** As much of a mail server as the example needs. */
export interface MailServer {
  readonly port: number;
  /** The texts of the mails that it took. */
  readonly mails: readonly string[];
  /** Breaks every connection, and takes no new ones. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts it on a free port of this machine. @param login - `user:password`; another one from now on, when it is changed */
export async function startMailServer(login: { current: string }): Promise<MailServer> {
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;

  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.write('220 mail.example ready\r\n');
    let mail: string[] | undefined;
    createInterface({ input: socket }).on('line', (line) => {
      if (mail === undefined) {
        if (line === 'DATA') mail = [];
        socket.write(`${replyTo(line, login.current)}\r\n`);
        if (line === 'QUIT') socket.end();
      } else if (line === '.') {
        mails.push(mail.join('\n'));
        mail = undefined;
        socket.write(`250 taken as ${mails.length}\r\n`);
      } else mail.push(line.replace(/^\./, ''));
    });
  };
  const start = async (): Promise<void> => {
    server = createServer(serve).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) ({ port } = address);
  };
  await start();
  return {
    port,
    mails,
    start,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function replyTo(line: string, login: string): string {
  const [word = '', , token = ''] = line.split(' ');
  if (word === 'EHLO') return '250-mail.example\r\n250 AUTH PLAIN';
  if (word === 'AUTH') {
    const [, user, password] = Buffer.from(token, 'base64').toString().split('\0');
    return `${user}:${password}` === login ? '235 welcome' : '535 no';
  }
  if (word === 'DATA') return '354 go on';
  if (word === 'QUIT') return '221 bye';
  if (line.startsWith('RCPT') && line.includes('nobody@')) return '550 nobody here';
  return ['NOOP', 'RSET', 'MAIL', 'RCPT'].includes(word) ? '250 ok' : '500 what?';
}
