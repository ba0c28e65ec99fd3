import { brotliCompressSync, constants, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { codeOf, createTestClock, failureOf } from '@tenon/core/testing';
import type { EgressOptions } from '@tenon/egress';
import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { kept, openEgress, until } from '../support/open-egress.ts';
import { openServer, type TestServer } from '../support/test-server.ts';

async function answered(listener: RequestListener, options: EgressOptions = {}, maxBodyBytes?: number) {
  const server = await kept(openServer(listener));
  const egress = openEgress(options);
  const request = (method = 'GET', signal?: AbortSignal) =>
    egress.request({
      url: `http://a.example:${server.port}/`,
      method,
      ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
      ...(signal === undefined ? {} : { signal }),
    });
  return { server, egress, request };
}
const sending =
  (body: Uint8Array | string, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, headers).end(body);
const closed = (server: TestServer): Promise<void> => until(() => server.open() === 0);

describe('a body', () => {
  it('is read as bytes, text, JSON, a stream, or part by part', async () => {
    const { server, request } = await answered(sending('{"a":"é"}'));
    expect(Buffer.from(await (await request()).body.bytes()).toString()).toBe('{"a":"é"}');
    expect(await (await request()).body.text()).toBe('{"a":"é"}');
    expect(await (await request()).body.json()).toEqual({ a: 'é' });
    expect(await new Response((await request()).body.stream()).text()).toBe('{"a":"é"}');
    const parts: Uint8Array[] = [];
    for await (const part of (await request()).body) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe('{"a":"é"}');
    expect(server.connections()).toBe(1);
  });

  it('that asks for more memory to be decoded than HTTP allows is refused, as small as it may be', async () => {
    const encode = async (windowLog: number): Promise<Buffer> => {
      const encoder = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
      // Of unknown length, as otherwise no more memory is asked for than it is long.
      encoder.write('small');
      encoder.end();
      return Buffer.concat(await Array.fromAsync(encoder as AsyncIterable<Buffer>));
    };
    const headers = { 'content-encoding': 'zstd' };
    const { request } = await answered(sending(await encode(23), headers));
    expect(await (await request()).body.text()).toBe('small');
    const { request: greedy } = await answered(sending(await encode(27), headers));
    expect(await codeOf((await greedy()).body.text())).toBe('EGRESS_RESPONSE_INVALID');
  });

  it('that is no JSON is said to be none, without being quoted', async () => {
    const { request } = await answered(sending('canary'));
    const failure = await failureOf((await request()).body.json());
    expect(failure).toMatchObject({ code: 'EGRESS_RESPONSE_INVALID', details: { mayHaveBeenSent: true } });
    expect(`${failure.message}${String(failure.cause)}`).not.toContain('canary');
  });

  it('is read once', async () => {
    const { request } = await answered(sending('once'));
    const { body } = await request();
    expect(await body.text()).toBe('once');
    expect(await codeOf(body.text())).toBe('EGRESS_RESPONSE_INVALID');
    await body.discard();
  });

  it.each([
    ['204', 'GET', 204],
    ['304', 'GET', 304],
    ['an answer to HEAD', 'HEAD', 200],
    ['nothing', 'POST', 200],
  ])('of %s is empty, and holds no connection', async (_name, method, status) => {
    const { egress, request } = await answered((_request, response) => {
      response
        .writeHead(status, { 'content-encoding': 'gzip', ...(status === 200 ? { 'content-length': '0' } : {}) })
        .end();
    });
    const response = await request(method);
    await until(() => egress.stats().requests === 0);
    expect(await response.body.text()).toBe('');
  });

  it.each([10, undefined])('larger than allowed (announced: %s) is not read to its end', async (announced) => {
    const headers = announced === undefined ? {} : { 'content-length': '10' };
    const { server, request } = await answered(
      (_request, response) => {
        response.writeHead(200, headers);
        response.write('12345');
        response.write('67890');
        if (announced !== undefined) response.end();
      },
      {},
      9,
    );
    const response = await request();
    expect(response.status).toBe(200);
    expect(await failureOf(response.body.text())).toMatchObject({
      code: 'EGRESS_BODY_TOO_LARGE',
      retryable: false,
      details: { maxBodyBytes: 9, mayHaveBeenSent: true },
    });
    await closed(server);
  });

  it('as large as allowed is read, by the option of egress too', async () => {
    const { request } = await answered(sending('1234567890'), { maxBodyBytes: 10 });
    expect(await (await request()).body.text()).toBe('1234567890');
    const { request: small } = await answered(sending('1234567890'), { maxBodyBytes: 9 });
    expect(await codeOf((await small()).body.text())).toBe('EGRESS_BODY_TOO_LARGE');
  });

  it('that stops is given up in time; time that the reader takes does not count', async () => {
    const clock = createTestClock();
    const { server, request } = await answered(
      (_request, response) => void response.writeHead(200, { 'content-length': '10' }).write('12345'),
      { clock, bodyTimeoutMs: 2_000 },
    );
    const parts = (await request()).body[Symbol.asyncIterator]();
    expect(Buffer.from((await parts.next()).value as Uint8Array).toString()).toBe('12345');
    await clock.advance(10_000);
    const failing = failureOf(parts.next());
    await clock.advance(1_999);
    expect(server.open()).toBe(1);
    await clock.advance(1);
    expect(await failing).toMatchObject({
      code: 'EGRESS_TIMEOUT',
      details: { phase: 'body', timeoutMs: 2_000, mayHaveBeenSent: true },
    });
    await closed(server);
    expect(clock.pending()).toBe(0);
  });

  it('that nobody reads is given up with the request', async () => {
    const clock = createTestClock();
    const { server, egress, request } = await answered(sending('x'.repeat(1_000_000)), { clock, timeoutMs: 3_000 });
    const { body } = await request();
    await clock.advance(3_000);
    await closed(server);
    expect(egress.stats()).toEqual({ requests: 0, connections: 0, idle: 0, waiting: 0 });
    expect(await failureOf(body.text())).toMatchObject({ code: 'EGRESS_TIMEOUT', details: { phase: 'total' } });
  });

  it('is left when the caller leaves', async () => {
    const { server, request } = await answered((_request, response) => void response.writeHead(200).write('12345'));
    const leaving = new AbortController();
    const { body } = await request('GET', leaving.signal);
    const failing = failureOf(body.text());
    leaving.abort();
    expect(await failing).toMatchObject({ code: 'EGRESS_ABORTED', details: { mayHaveBeenSent: true } });
    await closed(server);
  });

  it('that is cut off is a broken exchange', async () => {
    const { request } = await answered((_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('12345', () => response.destroy());
    });
    expect(await failureOf((await request()).body.text())).toMatchObject({
      code: 'EGRESS_EXCHANGE_FAILED',
      retryable: true,
      details: { mayHaveBeenSent: true },
    });
  });

  it('as a stream closes its connection when it is cancelled, even while it waits', async () => {
    const { server, request } = await answered((_request, response) => void response.writeHead(200).write('12345'));
    const reader = (await request()).body.stream().getReader();
    await reader.read();
    const waiting = reader.read();
    await reader.cancel();
    expect((await waiting).done).toBe(true);
    await closed(server);
  });

  it('that is discarded gives its connection back when it is short, and closes it when it is long', async () => {
    const short = await answered(sending('short'));
    for (let count = 0; count < 3; count += 1) await (await short.request()).body.discard();
    expect(short.server.connections()).toBe(1);
    const announced = await answered(sending('x'.repeat(1_000_000), { 'content-length': '1000000' }));
    await (await announced.request()).body.discard();
    await closed(announced.server);
    const endless = await answered((_request, response) => {
      const more = setInterval(() => response.write('x'.repeat(50_000)), 1);
      response.once('close', () => clearInterval(more));
    });
    await (await endless.request()).body.discard();
    await closed(endless.server);
  });
});

describe('a compressed body', () => {
  const text = 'text '.repeat(1_000);
  const codings = [
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['GZIP', gzipSync(text)],
  ] as const;

  it.each(codings)('of %s is decoded', async (encoding, body) => {
    const { server, request } = await answered(
      sending(body, { 'content-encoding': encoding, 'content-length': `${body.length}` }),
    );
    const response = await request();
    expect(await response.body.text()).toBe(text);
    expect(response.headers).not.toHaveProperty('content-encoding');
    expect(response.headers).not.toHaveProperty('content-length');
    expect(server.requests[0]?.headers['accept-encoding']).toBe('gzip, deflate, br');
    await request().then(({ body: again }) => again.text());
    expect(server.connections()).toBe(1);
  });

  it('is asked for and decoded only when it shall be', async () => {
    const body = gzipSync(text);
    const { server, request } = await answered(sending(body, { 'content-encoding': 'gzip' }), { decompress: false });
    const response = await request();
    expect(Buffer.from(await response.body.bytes())).toEqual(body);
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(server.requests[0]?.headers).not.toHaveProperty('accept-encoding');
  });

  it.each(['gzip, gzip', 'compress', 'constructor'])('as "%s" is given as it came', async (encoding) => {
    const { request } = await answered(sending('raw', { 'content-encoding': encoding }));
    const response = await request();
    expect(await response.body.text()).toBe('raw');
    expect(response.headers['content-encoding']).toBe(encoding);
  });

  it('is not decoded further than allowed: a bomb costs what the limit is', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1_048_576));
    const { request } = await answered(sending(bomb, { 'content-encoding': 'gzip' }), {}, 1_048_576);
    const before = process.memoryUsage().arrayBuffers;
    expect(await codeOf((await request()).body.bytes())).toBe('EGRESS_BODY_TOO_LARGE');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1_048_576);
  });

  it('that is limited while the server has stopped in its middle fails at once', async () => {
    const { server, request } = await answered(
      (_request, response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(Buffer.alloc(100_000))),
      {},
      50_000,
    );
    expect(await codeOf((await request()).body.bytes())).toBe('EGRESS_BODY_TOO_LARGE');
    await closed(server);
  });

  it.each([
    ['broken', Buffer.from('not gzip at all')],
    ['cut short', gzipSync('text').subarray(0, 15)],
  ])('that is %s is an invalid answer', async (_name, body) => {
    const { request } = await answered(sending(body, { 'content-encoding': 'gzip' }));
    expect(await failureOf((await request()).body.text())).toMatchObject({
      code: 'EGRESS_RESPONSE_INVALID',
      details: { mayHaveBeenSent: true },
    });
  });
});
