import { inspect } from 'node:util';
import { isCodedError } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { concealReason } from '@tenon/egress';
import { describe, expect, it } from 'vitest';
import { kept, openEgress, openLog } from '../support/open-egress.ts';
import { openServer, openTcpServer } from '../support/test-server.ts';

const canary = 'canary-7f3a';

describe('secrets of a request', () => {
  it('appear in no log and no error, whatever becomes of it', async () => {
    const { lines, logger } = openLog();
    const good = await kept(openServer((_request, response) => void response.end(canary)));
    const far = `http://a.example:${good.port}/${canary}?${canary}=${canary}`;
    const away = await kept(
      openServer((_request, response) => void response.writeHead(302, { location: `http://10.0.0.1/${canary}` }).end()),
    );
    const broken = await kept(
      openTcpServer((socket) => void socket.once('data', () => socket.end(`HTTP/9 ${canary}`))),
    );
    const cut = await kept(openTcpServer((socket) => void socket.once('data', () => socket.destroy())));
    const egress = openEgress({ logger, maxBodyBytes: 3 });
    const request = (url: string) =>
      egress.request({ url, method: 'POST', headers: { authorization: canary, 'x-secret': canary }, body: canary });
    const at = (port: number): string => `http://a.example:${port}/${canary}?token=${canary}`;
    const answered = await request(far);
    const failures = [
      await failureOf(answered.body.text()),
      ...(await Promise.all([
        failureOf(request(at(away.port))),
        failureOf(request(at(broken.port))),
        failureOf(request(at(cut.port))),
        failureOf(request(`http://10.0.0.1/${canary}?${canary}`)),
        failureOf(request(`http://user:${canary}@a.example/`)),
        failureOf(request(`ftp://a.example/${canary}`)),
        failureOf(request(canary)),
        failureOf(egress.request({ url: far, headers: { 'x-a': `${canary}\n` } })),
      ])),
    ];
    expect(lines.length).toBeGreaterThan(failures.length - 2);
    expect(inspect({ lines, failures }, { depth: 20, showHidden: true })).not.toContain(canary);
  });

  it('leave a line that tells what happened', async () => {
    const { lines, logger } = openLog();
    const server = await kept(openServer((_request, response) => void response.end('ok')));
    const egress = openEgress({ logger });
    await (await egress.request({ url: `http://a.example:${server.port}/path?query` })).body.discard();
    expect(lines).toEqual([
      {
        level: 'debug',
        fields: {
          method: 'GET',
          scheme: 'http',
          host: 'a.example',
          port: server.port,
          status: 200,
          redirects: 0,
          remoteAddress: '127.0.0.1',
          durationMs: expect.any(Number),
        },
        message: 'a request was answered',
      },
    ]);
  });
});

describe('what a user may know', () => {
  it('is the same for an address inside, a closed port and a name that is not there', async () => {
    const closed = await kept(openServer(() => undefined));
    await closed.close();
    const resolver = (name: string): Promise<readonly string[]> =>
      Promise.resolve(name === 'inside.example' ? ['10.0.0.1'] : name === 'closed.example' ? ['127.0.0.1'] : []);
    const egress = openEgress({ resolver });
    const told = [];
    for (const name of ['inside', 'closed', 'missing']) {
      const error = concealReason(await failureOf(egress.request({ url: `http://${name}.example:${closed.port}/` })));
      told.push(JSON.stringify(error).replaceAll(name, 'some'));
      expect(isCodedError(error, 'EGRESS_UNREACHABLE')).toBe(true);
      expect(inspect(error)).not.toMatch(/127\.0|10\.0/);
    }
    expect(new Set(told).size).toBe(1);
  });

  it('is what the user did wrong, as it is', async () => {
    const error = await failureOf(openEgress().request({ url: 'ftp://a.example/' }));
    expect(concealReason(error)).toBe(error);
    const other = new Error('other');
    expect(concealReason(other)).toBe(other);
  });
});
