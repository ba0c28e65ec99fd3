import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { failureOf } from '@tenon/core/testing';
import type { EgressTls } from '@tenon/egress';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { kept, loopback, openEgress } from '../support/open-egress.ts';
import { openServer } from '../support/test-server.ts';

interface Identity {
  readonly key: string;
  readonly cert: string;
}

let folder: string;
let identities: Readonly<Record<'named' | 'address' | 'other', Identity>> | undefined;

/** A certificate for a name, signed by itself; `undefined` where openssl is missing. */
function identity(file: string, subjectAltName: string): Identity | undefined {
  const [keyFile, certFile] = [join(folder, `${file}.key`), join(folder, `${file}.crt`)];
  const subject = ['-subj', '/CN=tenon', '-addext', `subjectAltName=${subjectAltName}`, '-days', '2'];
  const files = ['-keyout', keyFile, '-out', certFile];
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
  if (made.status !== 0) return undefined;
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-egress-'));
  const [named, address, other] = [
    identity('named', 'DNS:api.example'),
    identity('address', 'IP:127.0.0.1'),
    identity('other', 'DNS:api.example'),
  ];
  if (named !== undefined && address !== undefined && other !== undefined) identities = { named, address, other };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const need = (context: TestContext): NonNullable<typeof identities> =>
  identities ?? context.skip('openssl cannot make a certificate here');

const ask = async (serverIdentity: Identity, host: string, tls: EgressTls) => {
  const server = await kept(openServer((_request, response) => void response.end('secure'), { tls: serverIdentity }));
  const egress = openEgress({ tls });
  return { server, answering: egress.request({ url: `https://${host}:${server.port}/` }) };
};

describe('a server with TLS', () => {
  it('is known by the name in the URL, though it is reached by its checked address', async (context) => {
    const { named } = need(context);
    const { server, answering } = await ask(named, 'api.example', { ca: named.cert });
    const response = await answering;
    expect(await response.body.text()).toBe('secure');
    expect(response.remoteAddress).toBe('127.0.0.1');
    expect(server.requests[0]?.headers.host).toBe(`api.example:${server.port}`);
  });

  it('is known by its address where the URL names that', async (context) => {
    const { address, named } = need(context);
    const { answering } = await ask(address, '127.0.0.1', { ca: [named.cert, address.cert] });
    expect(await (await answering).body.text()).toBe('secure');
  });

  it('is told the name that is asked for', async (context) => {
    const { named } = need(context);
    const names: string[] = [];
    const server = await kept(
      openServer((_request, response) => void response.end('secure'), {
        tls: {
          ...named,
          SNICallback: (name: string, done: (error: null) => void) => (names.push(name), done(null)),
        } as Identity,
      }),
    );
    const response = await openEgress({ tls: { ca: named.cert } }).request({
      url: `https://api.example:${server.port}/`,
    });
    await response.body.discard();
    expect(names).toEqual(['api.example']);
  });

  it.for([
    ['whose certificate is for another name', 'other.example', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['whose certificate is for a name, asked by its address', '127.0.0.1', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('%s is not believed', async ([, host = '', reason], context) => {
    const { named } = need(context);
    const { server, answering } = await ask(named, host, { ca: named.cert });
    expect(await failureOf(answering)).toMatchObject({
      code: 'EGRESS_TLS_FAILED',
      retryable: false,
      details: { host, reason, mayHaveBeenSent: false },
    });
    expect(server.requests).toEqual([]);
  });

  it('whose issuer is unknown is not believed', async (context) => {
    const { named, other } = need(context);
    for (const tls of [{}, { ca: other.cert }]) {
      const { server, answering } = await ask(named, 'api.example', tls);
      expect((await failureOf(answering)).code).toBe('EGRESS_TLS_FAILED');
      expect(server.requests).toEqual([]);
    }
  });

  it('is not spoken to below the version that is asked for', async (context) => {
    const { named } = need(context);
    const server = createServer({ ...named, maxVersion: 'TLSv1.2' }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://api.example:${(server.address() as { port: number }).port}/`;
    const response = await openEgress({ tls: { ca: named.cert } }).request({ url });
    expect(await response.body.text()).toBe('ok');
    const strict = openEgress({ tls: { ca: named.cert, minVersion: 'TLSv1.3' } });
    expect((await failureOf(strict.request({ url }))).code).toBe('EGRESS_TLS_FAILED');
    await new Promise((resolve) => server.close(resolve));
  });

  it('that asks for a certificate is shown ours', async (context) => {
    const { named, other } = need(context);
    const server = createServer({ ...named, requestCert: true, ca: other.cert }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://api.example:${(server.address() as { port: number }).port}/`;
    const ours = openEgress({ tls: { ca: named.cert, cert: other.cert, key: other.key } });
    expect(await (await ours.request({ url })).body.text()).toBe('ok');
    const nobody = openEgress({ tls: { ca: named.cert } });
    expect((await failureOf(nobody.request({ url }))).details['mayHaveBeenSent']).toBeDefined();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is not left for plain HTTP by a redirect, even where that is allowed', async (context) => {
    const { named } = need(context);
    const plain = await kept(openServer((_request, response) => void response.end('plain')));
    const to = `http://api.example:${plain.port}/`;
    const server = await kept(
      openServer((_request, response) => void response.writeHead(302, { location: to }).end(), { tls: named }),
    );
    const egress = openEgress({ policy: loopback, tls: { ca: named.cert } });
    const failure = await failureOf(egress.request({ url: `https://api.example:${server.port}/` }));
    expect(failure).toMatchObject({ code: 'EGRESS_REDIRECT_FORBIDDEN', details: { mayHaveBeenSent: true } });
    expect(plain.connections()).toBe(0);
  });
});
