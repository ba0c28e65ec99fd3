import { failureOf } from '@tenon/core/testing';
import type { EgressRequest } from '@tenon/egress';
import { describe, expect, it } from 'vitest';
import { kept, loopback, openEgress } from '../support/open-egress.ts';
import { openServer, type TestServer } from '../support/test-server.ts';

/** A server on which `/301?to=...` redirects so, and anything else answers. */
const openRedirecting = (): Promise<TestServer> =>
  kept(
    openServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://server.example');
      const to = searchParams.get('to');
      if (to !== null) response.writeHead(Number(pathname.slice(1)), { location: to });
      response.end('done');
    }),
  );
const redirect = ({ port }: TestServer, status: number, to: string, host = 'a.example'): string =>
  `http://${host}:${port}/${status}?to=${encodeURIComponent(to)}`;

describe('a redirect', () => {
  it.each([
    ['http://10.0.0.1/', 'EGRESS_ADDRESS_FORBIDDEN'],
    ['http://[::ffff:127.0.0.1]/', 'EGRESS_ADDRESS_FORBIDDEN'],
    ['http://2852039166/latest/meta-data/', 'EGRESS_ADDRESS_FORBIDDEN'],
    ['http://inside.example/', 'EGRESS_ADDRESS_FORBIDDEN'],
    ['http://denied.example/', 'EGRESS_HOST_FORBIDDEN'],
    ['http://a.example:25/', 'EGRESS_PORT_FORBIDDEN'],
    ['file:///etc/passwd', 'EGRESS_SCHEME_FORBIDDEN'],
    ['http://user:pass@a.example/', 'EGRESS_URL_INVALID'],
    ['http://:::/', 'EGRESS_RESPONSE_INVALID'],
  ])('to %s is refused: %s', async (to, code) => {
    const server = await openRedirecting();
    const egress = openEgress({
      policy: { ...loopback, deny: ['denied.example'] },
      resolver: (name) => Promise.resolve([name === 'inside.example' ? '192.168.0.1' : '127.0.0.1']),
    });
    const failure = await failureOf(egress.request({ url: redirect(server, 302, to) }));
    // The first server has seen the request, whatever becomes of the second.
    expect(failure).toMatchObject({ code, details: { mayHaveBeenSent: true } });
    expect(egress.stats().requests).toBe(0);
  });

  it.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [307, 'POST', 'POST'],
    [308, 'PATCH', 'PATCH'],
    [302, 'GET', 'GET'],
  ])('%d of %s is followed by %s', async (status, method, expected) => {
    const server = await openRedirecting();
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
    const response = await openEgress().request({
      url: redirect(server, status, '/end?x=1'),
      method,
      headers: { 'content-type': 'text/plain', 'x-kept': 'yes' },
      ...(hasBody ? { body: 'payload' } : {}),
    });
    const [first, last] = server.requests;
    expect(first).toMatchObject({ method, body: hasBody ? 'payload' : '' });
    const keepsBody = hasBody && method === expected;
    expect(last).toMatchObject({ method: expected, url: '/end?x=1', body: keepsBody ? 'payload' : '' });
    const dropsType = method !== expected;
    expect(last?.headers['content-type']).toBe(dropsType ? undefined : 'text/plain');
    expect(last?.headers['x-kept']).toBe('yes');
    expect(response).toMatchObject({ status: 200, redirects: 1, url: `http://a.example:${server.port}/end?x=1` });
    await response.body.discard();
  });

  const credentials = { authorization: 'a', cookie: 'b', 'Proxy-Authorization': 'c', 'X-Api-Key': 'd', 'x-other': 'e' };
  const seen = async (to: (server: TestServer) => string): Promise<readonly (string | string[] | undefined)[]> => {
    const server = await openRedirecting();
    const egress = openEgress({ credentialHeaders: ['X-API-Key'] });
    const response = await egress.request({ url: redirect(server, 307, to(server)), headers: credentials });
    await response.body.discard();
    const headers = server.requests[1]?.headers ?? {};
    return ['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'x-other'].map((name) => headers[name]);
  };

  it('within an origin keeps credentials', async () => {
    expect(await seen(() => '/end')).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('to another origin drops credentials', async () => {
    expect(await seen(({ port }) => `http://b.example:${port}/end`)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'e',
    ]);
  });

  it('to another port of the host drops credentials, and they do not come back on the way back', async () => {
    const [first, second] = [await openRedirecting(), await openRedirecting()];
    const back = redirect(second, 307, `http://a.example:${first.port}/end`);
    const response = await openEgress().request({ url: redirect(first, 307, back), headers: credentials });
    await response.body.discard();
    expect(second.requests[0]?.headers.authorization).toBeUndefined();
    expect(first.requests[1]?.headers.authorization).toBeUndefined();
    expect(first.requests[1]?.headers['x-api-key']).toBe('d');
  });

  it('is not followed with a body that was read as it was sent', async () => {
    const server = await openRedirecting();
    const body = (async function* chunks() {
      yield 'one';
      yield Buffer.from('two');
    })();
    const url = redirect(server, 307, '/end');
    const failure = await failureOf(openEgress().request({ url, method: 'POST', body }));
    expect(failure).toMatchObject({ code: 'EGRESS_REDIRECT_FORBIDDEN', details: { mayHaveBeenSent: true } });
    expect(server.requests.map((one) => one.body)).toEqual(['onetwo']);
  });

  const loop = async (options: Partial<EgressRequest>, maxRedirects?: number) => {
    const server = await openRedirecting();
    let url = `http://a.example:${server.port}/end`;
    for (let count = 0; count < 6; count += 1) url = redirect(server, 302, url);
    const egress = openEgress(maxRedirects === undefined ? {} : { maxRedirects });
    return { server, answering: egress.request({ url, ...options }) };
  };

  it('is followed five times, and not a sixth time', async () => {
    const { server, answering } = await loop({});
    expect(await failureOf(answering)).toMatchObject({
      code: 'EGRESS_TOO_MANY_REDIRECTS',
      details: { host: 'a.example', maxRedirects: 5, mayHaveBeenSent: true },
    });
    expect(server.requests).toHaveLength(6);
    expect(server.connections()).toBe(1);
  });

  it('is followed as often as egress or request say', async () => {
    for (const { answering } of [await loop({}, 6), await loop({ maxRedirects: 6 })]) {
      const response = await answering;
      expect(response.redirects).toBe(6);
      await response.body.discard();
    }
    expect((await failureOf((await loop({ maxRedirects: 1 }, 6)).answering)).code).toBe('EGRESS_TOO_MANY_REDIRECTS');
  });

  it('is the answer itself when none shall be followed', async () => {
    const { server, answering } = await loop({ maxRedirects: 0 });
    const response = await answering;
    expect(response).toMatchObject({ status: 302, redirects: 0 });
    expect(await response.body.text()).toBe('done');
    expect(server.requests).toHaveLength(1);
  });

  it('without a location is an answer', async () => {
    const server = await kept(openServer((_request, response) => void response.writeHead(302).end()));
    const response = await openEgress().request({ url: `http://a.example:${server.port}/` });
    expect(response.status).toBe(302);
    await response.body.discard();
  });
});
