import { createServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createServer as createTlsServer } from 'node:tls';
import { onTestFinished, type TestContext } from 'vitest';
import type { MadeCertificate } from './make-certificate.ts';

/** A server that keeps what it is sent. */
export interface Listener {
  readonly port: number;
  connections(): number;
  /** Every byte that has come, of all connections, as text. */
  received(): string;
}

/**
 * Listens on every address of this machine until the end of the test.
 *
 * @param onConnection - answers, if anybody shall
 * @param tls - speaks TLS with this certificate; what is kept then is what was encrypted
 */
export async function openListener(
  onConnection: (socket: Socket) => void = () => undefined,
  tls?: MadeCertificate,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let received = '';
  const take = (socket: Socket): void => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => void (received += bytes.toString('latin1')));
    onConnection(socket);
  };
  const server =
    tls === undefined ? createServer(take) : createTlsServer({ key: tls.privateKey, cert: tls.certificate }, take);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    received: () => received,
  };
}

/** An address of this machine at which it is another one to itself. The test is left out where there is none. */
export function elsewhere(context: TestContext): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  return found?.address ?? context.skip('this machine has no address but its own');
}
