import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { runAs } from '@tenon/core';
import { createResources, defineResource } from '@tenon/resources';
import type { HttpFace } from '@tenon/resources/drivers/http';
import { createLogger, loadSettings, publicAccess, startServer, type RunningServer } from '@tenon/server';
import { afterEach, describe, expect, it } from 'vitest';
import { newDataDirectory } from '../support/data-directory.ts';

type Line = Readonly<Record<string, unknown>>;

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = `00-${TRACE}-b7ad6b7169203331-01`;
const acme = { tenant: 'acme', actor: { type: 'system', id: 'test' } } as const;

/** Its instances are those of one workflow, and cannot be made. */
const ledger = defineResource({
  name: 'ledger',
  isolation: 'workflow',
  create: () => Promise.reject(new Error('no login with postgres://app:canary-one@db.example/ledger')),
});

describe('log lines about resources', () => {
  let server: RunningServer | undefined;
  let folder = '';
  let dataDirectory = '';
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    for (const each of [folder, dataDirectory]) rmSync(each, { recursive: true, force: true });
  });

  /** A server with one resource that nobody answers for, whose routes borrow it. @returns its lines, and what ended of its spans */
  async function serve(environment: Readonly<Record<string, string>>): Promise<{
    readonly call: (path: string) => Promise<readonly Line[]>;
    readonly spans: () => readonly ReadableSpan[];
    readonly text: () => string;
  }> {
    folder = mkdtempSync(join(tmpdir(), 'tenon-logs-'));
    dataDirectory = await newDataDirectory();
    const file = join(folder, 'resources.json');
    const settings = {
      baseUrl: 'http://127.0.0.1:1',
      retry: { attempts: 1 },
      headers: { 'x-token': 'canary-two' },
      policy: { allowPrivate: ['127.0.0.0/8'] },
    };
    writeFileSync(file, JSON.stringify({ resources: { partner: { technology: 'http', settings } } }));
    const lines: string[] = [];
    const exporter = new InMemorySpanExporter();
    // What was sent is kept also when the process ends.
    exporter.shutdown = () => Promise.resolve();
    const loaded = loadSettings({
      TENON_PORT: '0',
      TENON_DATA_DIR: dataDirectory,
      TENON_BCRYPT_COST: '10',
      TENON_SAMPLE_DATA: 'false',
      TENON_RESOURCES_FILE: file,
      ...environment,
    }).settings;
    const logger = createLogger({ level: loaded.logLevel, destination: { write: (line) => void lines.push(line) } });
    const own = createResources({ logger, define: [ledger] });
    server = await startServer({
      settings: loaded,
      logger,
      spanExporter: exporter,
      routes: (app, services) => {
        app.get('/partner', { config: { access: publicAccess } }, () =>
          runAs(acme, async () => {
            const { resources } = services.resources;
            const partner = resources.named('partner');
            if (partner === undefined) throw new Error('it is not declared');
            return resources.use(partner, (face) => (face as unknown as HttpFace).get('/x?key=canary-three'));
          }),
        );
        app.get('/ledger', { config: { access: publicAccess } }, () =>
          runAs(acme, () => own.acquire(ledger, { workflow: 'w1' })),
        );
      },
    });
    await server.ready;
    const call = async (path: string): Promise<readonly Line[]> => {
      lines.length = 0;
      await fetch(`${server?.url}${path}`, { headers: { traceparent: CALLER } });
      await own.close();
      await server?.stop();
      return lines.map((line) => JSON.parse(line) as Line).filter((line) => line['resourceId'] !== undefined);
    };
    return { call, spans: () => exporter.getFinishedSpans(), text: () => lines.join('') };
  }

  const traced = { TENON_TRACES_URL: 'http://127.0.0.1:1/v1/traces' };
  const spanOf = (spans: readonly ReadableSpan[], name: string): string | undefined =>
    spans.find((span) => span.name === name)?.spanContext().spanId;

  it('name resource, workflow, tenant, request, trace and span, as those about requests do', async () => {
    const { call, spans, text } = await serve(traced);
    const [line, ...others] = await call('/ledger');
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      level: 'warn',
      msg: 'pool "ledger": create-failed',
      resourceId: 'ledger',
      workflowId: 'w1',
      tenantId: 'acme',
      requestId: expect.any(String),
      traceId: TRACE,
      spanId: spanOf(spans(), 'resources.acquire'),
    });
    const request = text()
      .split('\n')
      .filter((each) => each !== '')
      .map((each) => JSON.parse(each) as Line)
      .find(({ msg }) => msg === 'request');
    expect(request).toMatchObject({ requestId: line?.['requestId'], traceId: line?.['traceId'] });
  });

  it('are those of drivers as well, with the span in which they were written', async () => {
    const { call, spans } = await serve(traced);
    const line = (await call('/partner')).find(({ code }) => code === 'HTTP_UNREACHABLE');
    expect(line).toMatchObject({
      level: 'warn',
      msg: 'a request failed',
      resourceId: 'partner',
      tenantId: 'acme',
      traceId: TRACE,
      spanId: spanOf(spans(), 'resources.http.request'),
    });
    expect(line).not.toHaveProperty('workflowId');
  });

  it('name the trace of the request also where no spans are made', async () => {
    const { call } = await serve({});
    const [line] = await call('/ledger');
    expect(line).toMatchObject({
      resourceId: 'ledger',
      traceId: TRACE,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it('hold no secret, whatever a library says', async () => {
    for (const path of ['/ledger', '/partner']) {
      const { call, text } = await serve(traced);
      expect(await call(path)).not.toEqual([]);
      expect(text()).not.toContain('canary');
    }
  });

  it.each([
    ['error', 0],
    ['warn', 1],
  ])('are written from the level on that the settings say: %s', async (level, count) => {
    const { call } = await serve({ TENON_LOG_LEVEL: level });
    expect(await call('/ledger')).toHaveLength(count);
  });
});
