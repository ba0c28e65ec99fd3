import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { openFaultProxy, type FaultProxy, type ProxyFault } from '@tenon/resources/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Client {
  readonly socket: Socket;
  received: string;
  ended: boolean;
  failure: string | undefined;
}

let server: Server;
let heard: string;
const peers = new Set<Socket>();
const opened: FaultProxy[] = [];
const clients: Socket[] = [];

// Answers each word with the same in capitals.
beforeEach(async () => {
  heard = '';
  server = createServer({ allowHalfOpen: true }, (socket) => {
    peers.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      socket.write(chunk.toString().toUpperCase());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of [...clients.splice(0), ...peers]) socket.destroy();
  peers.clear();
  await Promise.all(opened.splice(0).map((proxy) => proxy.close()));
  server.close();
});

const targetPort = (): number => (server.address() as AddressInfo).port;

async function open(fault?: ProxyFault): Promise<FaultProxy> {
  const proxy = await openFaultProxy({
    target: `redis://user@127.0.0.1:${targetPort()}/3`,
    ...(fault === undefined ? {} : { fault }),
  });
  opened.push(proxy);
  return proxy;
}

async function join({ host, port }: { readonly host: string; readonly port: number }): Promise<Client> {
  const socket = connect({ host, port, allowHalfOpen: true });
  clients.push(socket);
  const client: Client = { socket, received: '', ended: false, failure: undefined };
  socket.on('data', (chunk: Buffer) => void (client.received += chunk.toString()));
  socket.on('end', () => void (client.ended = true));
  socket.on('error', (error: NodeJS.ErrnoException) => void (client.failure = error.code));
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  return client;
}

async function until(look: () => void): Promise<void> {
  await expect.poll(() => (look(), true), { interval: 5 }).toBe(true);
}
const pause = (ms: number): Promise<unknown> => once(AbortSignal.timeout(ms), 'abort');

async function say(client: Client, text: string): Promise<void> {
  const before = client.received.length;
  client.socket.write(text);
  await until(() => expect(client.received.slice(before)).toBe(text.toUpperCase()));
}

describe('a fault proxy', () => {
  it('passes bytes both ways, under the address of its target, and counts', async () => {
    const proxy = await open();
    expect(proxy.url).toBe(`redis://user@127.0.0.1:${proxy.port}/3`);
    const client = await join(proxy);
    await say(client, 'hello');
    expect(proxy.connections()).toEqual({ open: 1, accepted: 1, bytesToClients: 5 });
    client.socket.end();
    await until(() => expect([...peers].every((peer) => peer.readableEnded)).toBe(true));
    for (const peer of peers) peer.end();
    await until(() => expect(proxy.connections()).toMatchObject({ open: 0, accepted: 1 }));
  });

  it('takes host and port, and refuses what is no address with a port', async () => {
    const proxy = await openFaultProxy({ target: { host: '127.0.0.1', port: targetPort() } });
    opened.push(proxy);
    expect(proxy.url).toBe(`tcp://127.0.0.1:${proxy.port}`);
    await say(await join(proxy), 'x');
    await expect(openFaultProxy({ target: 'redis://localhost' })).rejects.toThrow(TypeError);
  });

  it('delays each chunk, each way, in order', async () => {
    const proxy = await open({ fault: 'delay', delayMs: 60 });
    const client = await join(proxy);
    const startedMs = performance.now();
    client.socket.write('one');
    await pause(20);
    client.socket.write('two');
    await until(() => expect(client.received).toBe('ONETWO'));
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(118);
    await proxy.set({ fault: 'pass' });
    const againMs = performance.now();
    await say(client, 'three');
    expect(performance.now() - againMs).toBeLessThan(100);
  });

  it('swallows everything like a black hole, while connections stay open, and passes again', async () => {
    const proxy = await open();
    const client = await join(proxy);
    await say(client, 'a');
    await proxy.set({ fault: 'black-hole' });
    client.socket.write('lost');
    const late = await join(proxy);
    late.socket.write('lost');
    await pause(60);
    expect([client.received, late.received, heard, client.failure, client.ended]).toEqual([
      'A',
      '',
      'a',
      undefined,
      false,
    ]);
    expect(proxy.connections().open).toBe(2);
    await proxy.set({ fault: 'pass' });
    await say(client, 'b');
  });

  it('resets what is open, and what comes', async () => {
    const proxy = await open();
    const client = await join(proxy);
    await say(client, 'a');
    await proxy.set({ fault: 'reset' });
    await until(() => expect(client.failure).toBe('ECONNRESET'));
    const late = await join(proxy);
    await until(() => expect(late.socket.destroyed).toBe(true));
    expect(proxy.connections()).toMatchObject({ open: 0, accepted: 2 });
  });

  it('refuses new connections, keeps the open ones, and listens again on the same port', async () => {
    const proxy = await open();
    const { port } = proxy;
    const client = await join(proxy);
    await proxy.set({ fault: 'refuse' });
    expect((await join(proxy)).failure).toBe('ECONNREFUSED');
    await say(client, 'still here');
    await proxy.set({ fault: 'pass' });
    expect(proxy.port).toBe(port);
    await say(await join(proxy), 'again');
  });

  it('closes one half: the client hears the end, the server hears the client', async () => {
    const proxy = await open();
    const client = await join(proxy);
    await say(client, 'a');
    await proxy.set({ fault: 'half-close' });
    await until(() => expect(client.ended).toBe(true));
    client.socket.write('b');
    await until(() => expect(heard).toBe('ab'));
    expect(client.received).toBe('A');
  });

  it('cuts each connection after so many more bytes from the server', async () => {
    const proxy = await open();
    const client = await join(proxy);
    await say(client, 'before');
    await proxy.set({ fault: 'cut', afterBytes: 4 });
    client.socket.write('abcdefgh');
    await until(() => expect(client.socket.destroyed).toBe(true));
    expect('ABCD'.startsWith(client.received.slice(6))).toBe(true);
    expect(proxy.connections().bytesToClients).toBe(10);
    const next = await join(proxy);
    await say(next, 'xyz');
    next.socket.write('12');
    await until(() => expect(next.socket.destroyed).toBe(true));
  });

  it('begins with the fault that it is given, and leaves nothing when it is closed', async () => {
    const proxy = await open({ fault: 'refuse' });
    expect((await join(proxy)).failure).toBe('ECONNREFUSED');
    await proxy.set({ fault: 'pass' });
    const client = await join(proxy);
    await say(client, 'a');
    await proxy.close();
    await proxy.close();
    await until(() => expect(client.socket.destroyed).toBe(true));
    expect(proxy.connections().open).toBe(0);
    expect((await join(proxy)).failure).toBe('ECONNREFUSED');
  });

  it('ends connections when the target is not there', async () => {
    const proxy = await open();
    server.close();
    const client = await join(proxy);
    await until(() => expect(client.socket.destroyed).toBe(true));
  });
});
