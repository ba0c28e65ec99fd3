import { codeOf } from '@tenon/core/testing';
import { metrics, trace, type Attributes, type Meter, type Span, type Tracer } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kept, loopback, openEgress } from '../support/open-egress.ts';
import { openServer } from '../support/test-server.ts';

let spans: { readonly name: string; readonly attributes: Attributes }[] = [];
let values: { readonly name: string; readonly attributes: Attributes }[] = [];

/** As much of an SDK as is used: it keeps what it is told. */
function record(): void {
  const tracer = {
    startActiveSpan(name: string, options: { attributes: Attributes }, work: (span: Span) => unknown) {
      const attributes = { ...options.attributes };
      spans.push({ name, attributes });
      const setAttribute = (key: string, value: string) => Object.assign(attributes, { [key]: value });
      return work({ setAttribute, setStatus: () => undefined, end: () => undefined } as unknown as Span);
    },
  } as unknown as Tracer;
  const create = (name: string) => {
    const keep = (_value: number, attributes: Attributes) => void values.push({ name, attributes });
    return { add: keep, record: keep };
  };
  const meter = { createCounter: create, createHistogram: create } as unknown as Meter;
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
}

beforeEach(() => {
  spans = [];
  values = [];
  record();
});
afterEach(() => {
  trace.disable();
  metrics.disable();
});

const open = () => kept(openServer((_request, response) => void response.writeHead(201).end('ok')));

describe('traces and metrics', () => {
  it('name the method, the scheme and the status, and no host that a user chose', async () => {
    const server = await open();
    const response = await openEgress().request({
      url: `http://a.example:${server.port}/secret?secret`,
      method: 'POST',
    });
    await response.body.discard();
    const attributes = { 'http.request.method': 'POST', 'url.scheme': 'http', 'http.response.status_code': 201 };
    expect(spans).toEqual([{ name: 'POST', attributes }]);
    expect(values).toEqual([{ name: 'http.client.request.duration', attributes }]);
  });

  it('name a host that the policy lists, but none below a wildcard', async () => {
    const server = await open();
    const egress = openEgress({ policy: { ...loopback, allow: ['listed.example', '*.below.example'] } });
    for (const host of ['listed.example', 'a.below.example']) {
      await (await egress.request({ url: `http://${host}:${server.port}/` })).body.discard();
    }
    expect(spans[0]?.attributes).toMatchObject({ 'server.address': 'listed.example', 'server.port': server.port });
    expect(spans[1]?.attributes).not.toHaveProperty('server.address');
  });

  it('keep the number of methods bounded', async () => {
    const server = await open();
    const response = await openEgress().request({ url: `http://a.example:${server.port}/`, method: 'PURGE' });
    await response.body.discard();
    expect(spans[0]).toMatchObject({ name: 'HTTP', attributes: { 'http.request.method': '_OTHER' } });
  });

  it('count what was refused, before and after the name was resolved', async () => {
    const egress = openEgress({ resolver: () => Promise.resolve(['10.0.0.1']) });
    expect(await codeOf(egress.request({ url: 'http://inside.example/' }))).toBe('EGRESS_ADDRESS_FORBIDDEN');
    expect(await codeOf(egress.request({ url: 'ftp://a.example/' }))).toBe('EGRESS_SCHEME_FORBIDDEN');
    const refused = values.filter(({ name }) => name === 'tenon.egress.refused').map((one) => one.attributes);
    expect(refused).toEqual([
      { 'error.type': 'EGRESS_ADDRESS_FORBIDDEN' },
      { 'error.type': 'EGRESS_SCHEME_FORBIDDEN' },
    ]);
    expect(spans[0]?.attributes).toMatchObject({ 'error.type': 'EGRESS_ADDRESS_FORBIDDEN' });
  });
});
