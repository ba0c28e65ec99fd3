import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Finished, type Home, type RunOptions } from './tenon-process.ts';

interface Shown {
  readonly ok?: boolean;
  readonly resources: readonly { readonly name: string; readonly status?: string; readonly problem?: string | null }[];
  readonly resource: Readonly<Record<string, unknown>>;
  readonly metrics: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
}

describe('tenon resource', () => {
  let home: Home;
  let site: Server;
  let file: string;
  const resource = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    home.tenon(['resource', ...args], { ...options, env: { TENON_RESOURCES_FILE: file, ...options.env } });
  const json = async (args: readonly string[], code = 0): Promise<Shown> => {
    const finished = await resource([...args, '--json']);
    expect(finished.code, finished.stderr).toBe(code);
    return JSON.parse(finished.stdout) as Shown;
  };
  const declare = (resources: object): void => writeFileSync(file, JSON.stringify({ resources }));

  beforeAll(async () => {
    home = newHome();
    file = join(home.folder, 'resources.json');
    site = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { port } = site.address() as AddressInfo;
    const settings = { baseUrl: `http://127.0.0.1:${port}`, policy: { allowPrivate: ['127.0.0.0/8'] } };
    declare({ site: { technology: 'http', settings }, hot: { technology: 'memory-cache' } });
    const owner = ['--owner-email', 'a@example.com'];
    expect((await home.tenon(['tenant', 'create', '--name', 'Acme', '--id', 'acme', ...owner])).code).toBe(0);
  });
  afterAll(() => {
    home.remove();
    site.close();
  });

  it('lists what is declared, for people and as JSON', async () => {
    const { stdout, code } = await resource(['list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +TECHNOLOGY +USE +CREDENTIALS$/m);
    expect(stdout).toMatch(/^site +http +shared$/m);
    expect((await json(['list'])).resources.map(({ name }) => name)).toEqual(['site', 'hot']);
  });

  it('says what is to be done where nothing is declared', async () => {
    const { stdout, code } = await home.tenon(['resource', 'list']);
    expect([code, stdout]).toEqual([0, 'no resources are declared: see TENON_RESOURCES_FILE\n']);
  });

  it('connects to one and shows it', async () => {
    const { stdout, code, stderr } = await resource(['inspect', 'hot']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^technology +memory-cache$/m);
    expect((await json(['inspect', 'hot'])).resource).toMatchObject({ name: 'hot', scope: 'tenant=acme' });
    const unknown = await resource(['inspect', 'nothing']);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/^RESOURCE_UNKNOWN: .*declared are site, hot/);
  });

  it('looks how they are, and ends with 1 when one does not work', async () => {
    expect(await json(['health'])).toMatchObject({ ok: true, resources: [{ name: 'site' }, { name: 'hot' }] });
    declare({
      hot: { technology: 'memory-cache' },
      db: { technology: 'postgres', settings: { url: 'postgresql://127.0.0.1:1/x' } },
    });
    const seen = await json(['health'], 1);
    expect(seen.ok).toBe(false);
    expect(seen.resources).toMatchObject([
      { name: 'hot', status: 'healthy' },
      { name: 'db', status: 'unhealthy' },
    ]);
    expect(seen.resources[1]?.problem).toBeTruthy();
    const { stderr, stdout } = await resource(['health', 'db']);
    expect(stdout).toMatch(/^db +postgres +unhealthy/m);
    expect(stderr).toMatch(/^RESOURCE_UNHEALTHY: 1 of 1/);
  });

  it('looks several times, and draws where it goes', async () => {
    let answered = 0;
    const shaky = createServer((_, response) => {
      answered += 1;
      response.writeHead(answered > 8 ? 503 : 200).end('here');
    }).listen(0, '127.0.0.1');
    await once(shaky, 'listening');
    const { port } = shaky.address() as AddressInfo;
    const settings = { baseUrl: `http://127.0.0.1:${port}`, check: '/', policy: { allowPrivate: ['127.0.0.0/8'] } };
    declare({ site: { technology: 'http', settings: { ...settings, retry: { attempts: 1 } } } });
    const { stdout, code } = await resource(['health', '--looks', '10']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^NAME +TECHNOLOGY +STATUS +LATENCY +LOOKS +TREND$/m);
    expect(stdout).toMatch(
      /^site +http +unhealthy +[\d.]+ ms +[▁▂▃▄▅▆▇█]{8}×× +↓ worsening +its check was answered with 503$/m,
    );
    answered = 0;
    const seen = await json(['health', 'site', '--looks', '10'], 1);
    expect(seen.resources).toMatchObject([
      {
        status: 'unhealthy',
        trend: { direction: 'worsening', older: { looks: 5, failureShare: 0 }, newer: { looks: 5, failureShare: 0.4 } },
        looks: [
          { status: 'unhealthy', reason: 'its check was answered with 503' },
          { status: 'unhealthy' },
          ...Array.from({ length: 8 }, () => ({ status: 'healthy', latencyMs: expect.any(Number) })),
        ],
      },
    ]);
    answered = 0;
    expect((await resource(['health', 'site'])).stdout).toMatch(/^site +http +healthy +[\d.]+ ms +█ +-$/m);
    for (const count of ['0', '101', 'x']) expect((await resource(['health', '--looks', count])).code).toBe(2);
    shaky.close();
  });

  it('checks a file without connecting, and names everything that is wrong with it', async () => {
    declare({ hot: { technology: 'memory-cache' } });
    const good = await resource(['validate']);
    expect([good.code, good.stdout]).toEqual([0, `${file}  1 resource, nothing wrong\n`]);
    const other = join(home.folder, 'wrong.json');
    writeFileSync(
      other,
      JSON.stringify({ resources: { a: { technology: 'gopher' }, b: { technology: 'redis', settings: { url: 1 } } } }),
    );
    const bad = await resource(['validate', other]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/^RESOURCES_INVALID: /);
    for (const place of ['/resources/a', '/resources/b']) expect(bad.stderr).toContain(place);
    expect((await home.tenon(['resource', 'validate'])).code).toBe(2);
  });

  it('shows what a running server has measured', async () => {
    const metrics = [
      '# HELP resource_acquisitions_total Leases given',
      '# TYPE resource_acquisitions_total counter',
      'resource_acquisitions_total{resource="hot",resource_type="memory-cache"} 3 1700000000000',
      'http_server_request_duration_count 7',
    ].join('\n');
    const server = createServer((request, response) => {
      const isAllowed = request.url === '/metrics' && request.headers.authorization === 'Bearer measure-me-please';
      response.writeHead(isAllowed ? 200 : 401).end(isAllowed ? metrics : '');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { TENON_METRICS_TOKEN: 'measure-me-please' };
    const shown = await resource(['metrics', '--url', url], { env });
    expect([shown.code, shown.stdout]).toEqual([0, `${metrics.split('\n').slice(0, 3).join('\n')}\n`]);
    const parsed = await resource(['metrics', '--url', url, '--json'], { env });
    expect((JSON.parse(parsed.stdout) as Shown).metrics).toEqual([
      { name: 'resource_acquisitions_total', labels: { resource: 'hot', resource_type: 'memory-cache' }, value: 3 },
    ]);
    const refused = await resource(['metrics', '--url', url]);
    expect([refused.code, refused.stderr.slice(0, 18)]).toEqual([1, 'SERVER_UNREACHABLE']);
    server.close();
    const gone = await resource(['metrics', '--url', 'http://127.0.0.1:1']);
    expect([gone.code, gone.stderr.slice(0, 18)]).toEqual([1, 'SERVER_UNREACHABLE']);
  });
});
