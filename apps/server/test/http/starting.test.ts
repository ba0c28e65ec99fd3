import { createServer, type Server } from 'node:net';
import { rmSync } from 'node:fs';
import { createLogger, loadSettings, startServer, type RunningServer } from '@tenon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Client } from '../support/client.ts';
import { newEmptyDirectory } from '../support/data-directory.ts';
import { expectProblem } from '../support/expect-problem.ts';

describe('a server whose database does not answer yet', () => {
  const dataDir = newEmptyDirectory();
  let silent: Server;
  let server: RunningServer;
  let client: Client;

  beforeAll(async () => {
    // Takes connections and says nothing, like a database behind a firewall.
    silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const { settings } = loadSettings({
      TENON_PORT: '0',
      TENON_DATA_DIR: dataDir,
      TENON_DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none`,
      TENON_DATABASE_ACQUIRE_TIMEOUT_MS: '200',
    });
    server = await startServer({
      settings,
      logger: createLogger({ level: 'info', destination: { write: () => undefined } }),
    });
    client = createClient(server.url ?? '');
  });
  afterAll(async () => {
    await server.stop();
    silent.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('is alive, and says that it is not ready', async () => {
    expect((await client.get('/healthz')).body).toEqual({ status: 'ok' });
    const answer = await client.get('/readyz');
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ status: 'starting' });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  it.each(['/openapi.json', '/docs/', '/metrics'])('answers %s, which takes no database', async (path) => {
    expect((await client.get(path)).status).toBe(200);
  });

  it.each([
    ['GET', '/v1/products'],
    ['POST', '/auth/login'],
    ['GET', '/.well-known/jwks.json'],
    ['GET', '/healthz-of-others'],
    ['GET', '/nothing'],
  ])('asks to come back for %s %s', async (method, path) => {
    const answer = await client.send(method, path, method === 'POST' ? { body: '{' } : {});
    expectProblem(answer, 503, 'NOT_READY');
    expect(answer.headers.get('retry-after')).toBe('2');
  });
});
