import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { createTelemetry } from '@tenon/core';
import {
  createLogger,
  loadSettings,
  publicAccess,
  startServer,
  type Environment,
  type RunningServer,
} from '@tenon/server';
import { afterEach, describe, expect, it } from 'vitest';
import { newDataDirectory } from '../support/data-directory.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('spans', () => {
  let server: RunningServer | undefined;
  let folder = '';
  const lines: string[] = [];
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(environment: Environment, exporter?: InMemorySpanExporter): Promise<string> {
    folder = await newDataDirectory();
    lines.length = 0;
    const telemetry = createTelemetry('@tenon/test');
    server = await startServer({
      settings: loadSettings({
        TENON_PORT: '0',
        TENON_DATA_DIR: folder,
        TENON_BCRYPT_COST: '10',
        TENON_SAMPLE_DATA: 'false',
        ...environment,
      }).settings,
      logger: createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
      ...(exporter === undefined ? {} : { spanExporter: exporter }),
      routes: (app, services) => {
        app.get('/work', { config: { access: publicAccess } }, () =>
          telemetry.span('outer', {}, async () => {
            await services.database.withSystem('a test looks', () => Promise.resolve());
            return { done: true };
          }),
        );
        app.get('/fail', { config: { access: publicAccess } }, () => Promise.reject(new Error('it fails')));
      },
    });
    await server.ready;
    return server.url ?? '';
  }
  const finished = async (exporter: InMemorySpanExporter): Promise<readonly ReadableSpan[]> => {
    await server?.stop();
    return exporter.getFinishedSpans();
  };

  it('of a request and of what it does lie below the caller’s, and carry no address', async () => {
    const exporter = new InMemorySpanExporter();
    // What was sent is kept also when the process ends.
    exporter.shutdown = () => Promise.resolve();
    const url = await start({ TENON_TRACES_URL: 'http://127.0.0.1:1/v1/traces' }, exporter);
    await fetch(`${url}/work?token=canary`, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
    expect((await fetch(`${url}/fail`)).status).toBe(500);
    const spans = await finished(exporter);
    const named = (name: string) => spans.find((span) => span.name === name);
    const request = named('GET /work');
    expect(request?.spanContext().traceId).toBe(TRACE);
    expect(request?.parentSpanContext?.spanId).toBe(PARENT);
    expect(request?.attributes).toMatchObject({ 'http.route': '/work', 'http.response.status_code': 200 });
    expect(named('outer')?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    const database = spans.find(
      ({ name, parentSpanContext }) =>
        name === 'database.system' && parentSpanContext?.spanId === named('outer')?.spanContext().spanId,
    );
    expect(database?.spanContext().traceId).toBe(TRACE);
    expect(named('GET /fail')?.status.code).toBe(SpanStatusCode.ERROR);
    expect(JSON.stringify(spans.map(({ name, attributes }) => [name, attributes]))).not.toContain('canary');
    // Without a caller’s trace, the spans are found under the trace of the log line.
    const line = lines
      .map((each) => JSON.parse(each) as Record<string, unknown>)
      .find(({ route }) => route === '/fail');
    expect(named('GET /fail')?.spanContext().traceId).toBe(line?.['traceId']);
  });

  it('of none of the requests are made where none are wanted', async () => {
    const exporter = new InMemorySpanExporter();
    exporter.shutdown = () => Promise.resolve();
    const url = await start({ TENON_TRACES_URL: 'http://127.0.0.1:1/v1/traces', TENON_TRACES_PERCENT: '0' }, exporter);
    await fetch(`${url}/work`);
    expect(await finished(exporter)).toEqual([]);
  });

  it('are sent to an OTLP receiver', async () => {
    const bodies: string[] = [];
    const receiver = createServer((request, response) => {
      void text(request).then((body) => {
        bodies.push(`${request.url} ${body}`);
        response.end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    const url = await start({ TENON_TRACES_URL: `http://127.0.0.1:${port}/v1/traces` });
    await fetch(`${url}/work`);
    await server?.stop();
    receiver.close();
    expect(bodies.join('')).toContain('/v1/traces');
    expect(bodies.join('')).toContain('GET /work');
  });
});
