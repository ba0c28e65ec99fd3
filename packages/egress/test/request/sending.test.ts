import { deadlineAfter, runInContext } from '@tenon/core';
import { codeOf, createTestClock, failureOf } from '@tenon/core/testing';
import { describe, expect, it } from 'vitest';
import { kept, openEgress, until } from '../support/open-egress.ts';
import { openServer, openTcpServer } from '../support/test-server.ts';

const openEcho = () =>
  kept(openServer((request, response) => void response.writeHead(201, { 'x-method': request.method }).end('ok')));

describe('a request', () => {
  it('reaches the server as it was meant: method, path, query, headers, body, and the name as host', async () => {
    const server = await openEcho();
    const response = await openEgress().request({
      url: `http://Echo.Example:${server.port}/a%20b?c=d#e`,
      method: 'post',
      headers: { 'X-One': '1', 'x-many': ['2', '3'], 'x-none': undefined },
      body: new TextEncoder().encode('payload'),
    });
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/a%20b?c=d',
      body: 'payload',
      headers: { host: `echo.example:${server.port}`, 'x-one': '1', 'x-many': '2, 3', 'content-length': '7' },
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('x-none');
    expect(response).toMatchObject({
      status: 201,
      headers: { 'x-method': 'POST' },
      url: `http://echo.example:${server.port}/a%20b?c=d`,
      redirects: 0,
      remoteAddress: '127.0.0.1',
    });
    expect(await response.body.text()).toBe('ok');
  });

  it.each([
    'host',
    'Connection',
    'content-length',
    'Transfer-Encoding',
    'upgrade',
    'expect',
    'te',
    'bad name',
    'x:y',
    '',
  ])('cannot set the header "%s"', async (name) => {
    const failure = await failureOf(openEgress().request({ url: 'http://a.example/', headers: { [name]: 'canary' } }));
    expect(failure).toMatchObject({ code: 'EGRESS_REQUEST_INVALID', details: { mayHaveBeenSent: false } });
    expect(failure.message).not.toContain('canary');
  });

  it.each(['a\r\nx: y', 'a\nb', 'a\0b', 'a☃b'])('cannot send %j in a header', async (value) => {
    const failure = await failureOf(openEgress().request({ url: 'http://a.example/', headers: { 'x-a': value } }));
    expect(failure.code).toBe('EGRESS_REQUEST_INVALID');
    expect(failure.message).not.toContain(value);
  });

  it('cannot name a header twice, tunnel, trace, or send a body where there is none', async () => {
    const url = 'http://a.example/';
    for (const request of [
      { url, headers: { 'x-a': '1', 'X-A': '2' } },
      { url, method: 'CONNECT' },
      { url, method: 'trace' },
      { url, method: 'GET / HTTP/1.1\r\nx: y' },
      { url, body: 'x' },
      { url, method: 'HEAD', body: 'x' },
    ]) {
      expect(await codeOf(openEgress().request(request))).toBe('EGRESS_REQUEST_INVALID');
    }
  });

  it.each([{ timeoutMs: 0 }, { maxBodyBytes: -1 }, { maxRedirects: 11 }, { timeoutMs: 1.5 }])(
    'with %j is refused',
    async (limit) => {
      expect(await failureOf(openEgress().request({ url: 'http://a.example/', ...limit }))).toMatchObject({
        code: 'EGRESS_OPTIONS_INVALID',
        details: { mayHaveBeenSent: false },
      });
    },
  );

  it('whose body fails while it is sent fails with it', async () => {
    const server = await kept(openTcpServer((socket) => void socket.resume()));
    const body = (async function* failing() {
      yield 'one';
      throw new Error('the file is gone');
    })();
    const failure = await failureOf(
      openEgress().request({ url: `http://a.example:${server.port}/`, method: 'POST', body }),
    );
    expect(failure).toMatchObject({ code: 'EGRESS_REQUEST_INVALID', details: { mayHaveBeenSent: true } });
    expect(failure.cause).toMatchObject({ message: 'the file is gone' });
    await until(() => server.open() === 0);
  });
});

describe('a server that hangs', () => {
  const silent = () => kept(openTcpServer((socket) => void socket.resume()));

  it('before the headers is given up in time', async () => {
    const clock = createTestClock();
    const server = await silent();
    const egress = openEgress({ clock, headersTimeoutMs: 2_000 });
    const failing = failureOf(egress.request({ url: `http://a.example:${server.port}/` }));
    // One timer for the whole and one for the headers: the request is written.
    await until(() => server.open() === 1 && egress.stats().connections === 1);
    await clock.advance(1_999);
    expect(egress.stats().requests).toBe(1);
    await clock.advance(1);
    expect(await failing).toMatchObject({
      code: 'EGRESS_TIMEOUT',
      retryable: true,
      details: { host: 'a.example', phase: 'headers', timeoutMs: 2_000, mayHaveBeenSent: true },
    });
    await until(() => server.open() === 0);
    expect(clock.pending()).toBe(0);
  });

  it('in the middle of the headers is given up in time', async () => {
    const clock = createTestClock();
    let isAnswering = false;
    const server = await kept(
      openTcpServer((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nx-a: ');
          isAnswering = true;
        });
      }),
    );
    const failing = failureOf(
      openEgress({ clock, headersTimeoutMs: 2_000 }).request({ url: `http://a.example:${server.port}/` }),
    );
    await until(() => isAnswering);
    await clock.advance(2_000);
    expect(await failing).toMatchObject({ code: 'EGRESS_TIMEOUT', details: { phase: 'headers' } });
    await until(() => server.open() === 0);
  });

  it('with interim answers for ever is given up in time', async () => {
    const clock = createTestClock();
    let hints = 0;
    const server = await kept(
      openTcpServer((socket) => {
        const hint = (): void =>
          void (socket.writable && socket.write('HTTP/1.1 103 Early Hints\r\n\r\n', () => setImmediate(hint)));
        socket.once('data', () => {
          hints += 1;
          hint();
        });
      }),
    );
    const failing = failureOf(
      openEgress({ clock, headersTimeoutMs: 2_000 }).request({ url: `http://a.example:${server.port}/` }),
    );
    await until(() => hints === 1);
    await clock.advance(2_000);
    expect(await failing).toMatchObject({ code: 'EGRESS_TIMEOUT', details: { phase: 'headers' } });
  });

  it('while TLS is agreed on is given up in time', async () => {
    const clock = createTestClock();
    const server = await silent();
    const egress = openEgress({ clock, connectTimeoutMs: 2_000 });
    const failing = failureOf(egress.request({ url: `https://a.example:${server.port}/` }));
    await until(() => server.open() === 1);
    await clock.advance(2_000);
    expect(await failing).toMatchObject({
      code: 'EGRESS_TIMEOUT',
      details: { phase: 'connect', mayHaveBeenSent: false },
    });
    await until(() => server.open() === 0);
  });

  it.each([{ timeoutMs: 5_000 }, {}])('is given up when the whole takes too long (%j)', async (request) => {
    const clock = createTestClock();
    const server = await silent();
    const egress = openEgress({ clock, timeoutMs: 'timeoutMs' in request ? 9_000 : 5_000 });
    const failing = failureOf(egress.request({ url: `http://a.example:${server.port}/`, ...request }));
    await until(() => server.open() === 1 && egress.stats().connections === 1);
    await clock.advance(4_999);
    expect(egress.stats().requests).toBe(1);
    await clock.advance(1);
    expect(await failing).toMatchObject({ code: 'EGRESS_TIMEOUT', details: { phase: 'total', timeoutMs: 5_000 } });
  });

  it('is given up when the context of the caller ends: by its deadline, and by its signal', async () => {
    const clock = createTestClock();
    const server = await silent();
    const url = `http://a.example:${server.port}/`;
    const egress = openEgress({ clock });
    const deadline = deadlineAfter(1_000, { clock });
    const late = runInContext({ deadline }, () => failureOf(egress.request({ url })));
    const leaving = new AbortController();
    const gone = runInContext({ signal: leaving.signal }, () => failureOf(egress.request({ url })));
    await until(() => egress.stats().connections === 2);
    await clock.advance(1_000);
    expect(await late).toMatchObject({ code: 'EGRESS_TIMEOUT', details: { phase: 'total' } });
    leaving.abort();
    expect(await gone).toMatchObject({ code: 'EGRESS_ABORTED', details: { mayHaveBeenSent: true } });
    deadline.cancel();
  });

  it('is left when the caller leaves, and nothing is sent for who has left before', async () => {
    const server = await silent();
    const egress = openEgress();
    const url = `http://a.example:${server.port}/`;
    const leaving = new AbortController();
    const failing = failureOf(egress.request({ url, signal: leaving.signal }));
    await until(() => server.open() === 1 && egress.stats().connections === 1);
    await new Promise((resolve) => setImmediate(resolve));
    leaving.abort(new Error('gone'));
    const failure = await failing;
    expect(failure).toMatchObject({ code: 'EGRESS_ABORTED', retryable: false, details: { mayHaveBeenSent: true } });
    expect(failure.cause).toMatchObject({ message: 'gone' });
    await until(() => server.open() === 0);
    const never = await failureOf(egress.request({ url, signal: AbortSignal.abort() }));
    expect(never).toMatchObject({ code: 'EGRESS_ABORTED', details: { mayHaveBeenSent: false } });
    expect(server.connections()).toBe(1);
  });
});

describe('a server that breaks', () => {
  it.each([
    ['that closes without a word', '', 'EGRESS_EXCHANGE_FAILED', true],
    ['that closes within the headers', 'HTTP/1.1 200 OK\r\nx-a', 'EGRESS_EXCHANGE_FAILED', true],
    ['that speaks something else', '220 mail.example ESMTP\r\n', 'EGRESS_RESPONSE_INVALID', false],
    [
      'with headers that are too large',
      `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`,
      'EGRESS_RESPONSE_INVALID',
      false,
    ],
    [
      'with two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
      'EGRESS_EXCHANGE_FAILED',
      true,
    ],
  ])('%s', async (_name, answer, code, retryable) => {
    const server = await kept(openTcpServer((socket) => void socket.once('data', () => socket.end(answer))));
    const failure = await failureOf(openEgress().request({ url: `http://a.example:${server.port}/` }));
    expect(failure).toMatchObject({ code, retryable, details: { host: 'a.example', mayHaveBeenSent: true } });
    await until(() => server.open() === 0);
  });

  it('with headers larger than the option says', async () => {
    const server = await kept(
      openServer((_request, response) => void response.writeHead(200, { 'x-a': 'a'.repeat(2_000) }).end()),
    );
    const url = `http://a.example:${server.port}/`;
    await (await openEgress().request({ url })).body.discard();
    expect(await codeOf(openEgress({ maxHeaderBytes: 1_024 }).request({ url }))).toBe('EGRESS_RESPONSE_INVALID');
  });

  it('that hangs up its half of the connection does not hold ours', async () => {
    const server = await kept(
      openTcpServer((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
      }),
    );
    const egress = openEgress();
    const response = await egress.request({ url: `http://a.example:${server.port}/` });
    expect(await response.body.text()).toBe('ok');
    await until(() => server.open() === 0 && egress.stats().connections === 0);
  });
});
