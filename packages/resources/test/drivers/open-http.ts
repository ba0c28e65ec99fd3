import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { runAs, Secret, type LogFields, type Logger } from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import {
  createResources,
  type Borrowed,
  type CredentialReader,
  type ResourceToken,
  type Resources,
  type ResourcesOptions,
  type SlotCredential,
} from '@tenon/resources';
import { http, type HttpFace, type HttpOptions } from '@tenon/resources/drivers/http';
import { afterEach } from 'vitest';

/** What a server saw of one request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real server on loopback, which counts what reaches it. */
export interface LoopbackServer {
  readonly port: number;
  readonly origin: string;
  readonly requests: SeenRequest[];
  /** Requests whose client has gone before their answer was finished. */
  abandoned(): number;
  /** Connections that were ever made. */
  connections(): number;
  /** Connections that are open now. */
  open(): number;
  hangUp(): void;
  close(): Promise<void>;
}

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Has something closed after the test. */
export function closeLater(close: () => Promise<unknown>): void {
  closing.push(close);
}

/** Opens a server. What it answers is up to the listener, once the request's body has been read. */
export async function openServer(
  answer: (response: ServerResponse, request: SeenRequest, index: number) => void = (response) =>
    void response.end('ok'),
  port = 0,
): Promise<LoopbackServer> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let abandoned = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    response.on('close', () => {
      if (!response.writableFinished) abandoned += 1;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
      answer(response, seen, requests.push(seen) - 1);
    });
  });
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address() as AddressInfo;
  const hangUp = (): void => sockets.forEach((socket) => socket.destroy());
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      hangUp();
    });
  closeLater(close);
  return {
    port: bound,
    origin: `http://127.0.0.1:${bound}`,
    requests,
    abandoned: () => abandoned,
    connections: () => connections,
    open: () => sockets.size,
    hangUp,
    close,
  };
}

/** An answer with a status, a text and headers. */
export function reply(
  response: ServerResponse,
  status: number,
  text = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, headers).end(text);
}

/** A registry with one HTTP resource in it. */
export interface OpenHttp {
  readonly resources: Resources;
  readonly token: ResourceToken<HttpFace>;
  readonly clock: TestClock;
  readonly lines: { readonly level: string; readonly fields: LogFields; readonly message: string }[];
  /** A face of the tenant `acme`, until the end of the test. */
  readonly api: Borrowed<HttpFace>;
}

/** May reach loopback, and finds every name there. Time stands still. */
export async function openHttp(
  options: HttpOptions = {},
  more: ResourcesOptions & { readonly tenant?: string } = {},
): Promise<OpenHttp> {
  const { tenant = 'acme', ...registry } = more;
  const clock = createTestClock();
  const lines: OpenHttp['lines'] = [];
  const token = http('shop', {
    clock,
    random: () => 0.5,
    resolver: () => Promise.resolve(['127.0.0.1']),
    ...options,
    policy: { schemes: ['http', 'https'], ports: 'any', allowPrivate: ['127.0.0.0/8'], ...options.policy },
  });
  const resources = createResources({ clock, logger: loggerTo(lines), define: [token], ...registry });
  closeLater(() => resources.close({ timeoutMs: 0 }));
  const api = await runAs({ tenant }, () => resources.acquire(token));
  return { resources, token, clock, lines, api };
}

function loggerTo(lines: OpenHttp['lines'], bound: LogFields = {}): Logger {
  const at = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields: { ...bound, ...fields }, message });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerTo(lines, { ...bound, ...fields }),
  };
}

/** Credentials by id, which a test changes as it likes. */
export interface TestVault extends CredentialReader {
  put(id: string, kind: string, secret: string, value?: object): void;
  remove(id: string): void;
}

export function openVault(): TestVault {
  const stored = new Map<string, SlotCredential>();
  return {
    put(id, kind, secret, value = {}) {
      const version = (stored.get(id)?.version ?? 0) + 1;
      stored.set(id, { kind, version, secret: new Secret(secret), value, expiresAt: undefined });
    },
    remove: (id) => void stored.delete(id),
    retrieve: async ({ id }) => stored.get(id),
  };
}

/** Waits for what real sockets bring about. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    if (turns > 5_000) throw new Error(`${what} never became true`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets what waits for no time at all go on, until something has settled. */
export async function atOnce<T>(clock: TestClock, work: Promise<T>): Promise<T> {
  const progress = { isSettled: false };
  const settle = (): void => void (progress.isSettled = true);
  work.then(settle, settle);
  for (let turns = 0; !progress.isSettled && turns < 20_000; turns += 1) await clock.advance(0);
  return work;
}
