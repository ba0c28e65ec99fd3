import { trace, type Attributes, type Span, type SpanOptions, type Tracer } from '@opentelemetry/api';
import type { Logger } from '@tenon/core';
import { createTestClock, failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inTenant } from '../support/open-resources.ts';
import { FakeFailure, fakeSql } from './sql-fake.ts';

let spans: { readonly name: string; readonly attributes: Attributes; isEnded: boolean }[] = [];

beforeEach(() => {
  spans = [];
  const silent = { setAttribute: () => undefined, setStatus: () => undefined, end: () => undefined } as unknown as Span;
  const tracer = {
    // Those of borrowing, which are shown elsewhere.
    startActiveSpan: (_name: string, _options: SpanOptions, work: (span: Span) => unknown) => work(silent),
    startSpan(name: string, options: SpanOptions) {
      const span = { name, attributes: { ...options.attributes }, isEnded: false };
      spans.push(span);
      return {
        setAttribute: (key: string, value: string) => Object.assign(span.attributes, { [key]: value }),
        setStatus: () => undefined,
        end: () => {
          span.isEnded = true;
        },
      } as unknown as Span;
    },
  } as unknown as Tracer;
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
});
afterEach(() => trace.disable());

describe('statements', () => {
  it('have a span each, with what they did and where, and without their values', async () => {
    const { token, made } = fakeSql({ host: 'db.acme.example', database: 'orders' });
    await using resources = createResources({ define: [token] });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      await db.query('select 1 where $1', ['canary']);
      const [fake] = made;
      if (fake !== undefined) fake.answer = () => Promise.reject(new FakeFailure('conflict'));
      await failureOf(db.execute('insert into t values ($1)', ['canary']));
    });
    const where = {
      'db.system.name': 'fake',
      'db.namespace': 'orders',
      'server.address': 'db.acme.example',
      'server.port': 1,
      'tenon.resource': 'fake-db',
    };
    expect(spans).toEqual([
      { name: 'SELECT fake-db', attributes: { ...where, 'db.operation.name': 'SELECT' }, isEnded: true },
      {
        name: 'INSERT fake-db',
        attributes: {
          ...where,
          'db.operation.name': 'INSERT',
          'db.response.status_code': 'F0001',
          'error.type': 'RESOURCE_QUERY_CONFLICT',
        },
        isEnded: true,
      },
    ]);
    expect(JSON.stringify(spans)).not.toContain('canary');
  });

  it('are logged when they are slow, without values, also those that somebody wrote into them', async () => {
    const clock = createTestClock();
    const { token, made } = fakeSql({ clock, slowStatementMs: 200 });
    const lines: unknown[] = [];
    const keep = (fields: object): void => void lines.push(fields);
    const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
    await using resources = createResources({ define: [token], logger });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      const [fake] = made;
      if (fake !== undefined) {
        fake.answer = async (text) => {
          await clock.advance(text.startsWith('select') ? 200 : 199);
          return {};
        };
      }
      await db.query('update t set n = 1');
      await db.query(`select 'it''s a canary', $1,\n  12.5 from t where name = $$canary$$`, ['canary']);
    });
    expect(lines).toEqual([
      {
        resourceId: 'fake-db',
        tenantId: 'acme',
        operation: 'SELECT',
        durationMs: 200,
        statement: 'select ?, ?, ? from t where name = ?',
      },
    ]);
  });
});
