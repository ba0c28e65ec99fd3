import { SpanKind, SpanStatusCode, trace, type Span, type SpanOptions } from '@opentelemetry/api';
import { codeOfFailure, isCodedError, type Clock, type Logger } from '@tenon/core';
import type { SqlConnection } from './sql-connection.ts';
import type { StatementFacts } from './statement-facts.ts';
import { withoutLiterals } from './without-literals.ts';

/** A statement that is being watched. */
export interface ObservedStatement {
  readonly span: Span;
  readonly startedMs: number;
  readonly operation: string;
}

/** Shows what statements do: a span each, and a line for each slow one. */
export interface StatementTelemetry {
  start(connection: SqlConnection<unknown>, facts: StatementFacts): ObservedStatement;
  /** @param failure - what it failed with, if it did */
  end(observed: ObservedStatement, text: string, failure?: unknown): void;
}

/**
 * Makes it. The names follow OpenTelemetry's conventions for databases (1.33). The text of statements is not in spans; in logs it is
 * without literals. Values are in neither.
 *
 * A statement has nothing beneath it, so that its span is not made the active one: that would cost more than the span.
 */
export function createStatementTelemetry(options: {
  readonly resource: string;
  readonly slowStatementMs: number;
  /** What stands in double quotes in its statements. */
  readonly doubleQuoted: 'names' | 'values';
  readonly clock: Clock;
  readonly logger: Logger;
}): StatementTelemetry {
  const { resource, doubleQuoted, clock, logger } = options;
  const slowMs = options.slowStatementMs === 0 ? Infinity : options.slowStatementMs;
  const tracer = trace.getTracer('@tenon/resources');
  const described = new Map<string, { readonly name: string; readonly options: SpanOptions }>();

  const describe = (
    { system, target }: SqlConnection<unknown>,
    operation: string,
  ): { readonly name: string; readonly options: SpanOptions } => {
    const attributes = {
      'db.system.name': system,
      'db.namespace': target.database,
      'db.operation.name': operation,
      'server.address': target.host,
      'server.port': target.port,
      'tenon.resource': resource,
    };
    const description = { name: `${operation} ${resource}`, options: { kind: SpanKind.CLIENT, attributes } };
    described.set(operation, description);
    return description;
  };

  return {
    start(connection, { operation }) {
      const description = described.get(operation) ?? describe(connection, operation);
      const span = tracer.startSpan(description.name, description.options);
      return { span, startedMs: clock.monotonicMs(), operation };
    },
    end({ span, startedMs, operation }, text, failure) {
      const code = failure === undefined ? undefined : codeOfFailure(failure);
      if (code !== undefined) {
        const serverCode = isCodedError(failure) ? failure.details['serverCode'] : undefined;
        if (typeof serverCode === 'string') span.setAttribute('db.response.status_code', serverCode);
        span.setAttribute('error.type', code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      }
      span.end();
      const durationMs = clock.monotonicMs() - startedMs;
      if (durationMs < slowMs) return;
      const statement = withoutLiterals(text, doubleQuoted);
      const facts = { operation, durationMs: Math.round(durationMs), statement };
      logger.warn(code === undefined ? facts : { ...facts, code }, 'a statement was slow');
    },
  };
}
