import { isSpanContextValid, trace } from '@opentelemetry/api';
import { currentContext, type LogFields, type Logger } from '@tenon/core';
import type { ResourceScope } from '../scope/resource-scope.ts';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/;

/**
 * A logger whose lines say what they are about: `resourceId`, and of its scope `tenantId`, `workflowId`, `executionId` and `actionId`. What is
 * written while a call is served says for which: `requestId`, and `traceId` and `spanId` of the span that is active, else of the caller's
 * `traceparent`. These are the names that the server's lines have for the same things.
 *
 * @param scope - of the instances. Where they belong to no tenant, `tenantId` is that of the call
 */
export function resourceLogger(logger: Logger, resource: string, scope: ResourceScope): Logger {
  return new ResourceLogger(logger, resource, scope, undefined);
}

/** There is one for each managed resource, and far fewer lines: it holds no functions, and what its lines have is made for each. */
class ResourceLogger implements Logger {
  readonly #logger: Logger;
  readonly #resource: string;
  readonly #scope: ResourceScope;
  readonly #more: LogFields | undefined;

  constructor(logger: Logger, resource: string, scope: ResourceScope, more: LogFields | undefined) {
    this.#logger = logger;
    this.#resource = resource;
    this.#scope = scope;
    this.#more = more;
  }

  debug(fields: LogFields, message: string): void {
    this.#logger.debug(this.#all(fields), message);
  }

  info(fields: LogFields, message: string): void {
    this.#logger.info(this.#all(fields), message);
  }

  warn(fields: LogFields, message: string): void {
    this.#logger.warn(this.#all(fields), message);
  }

  error(fields: LogFields, message: string): void {
    this.#logger.error(this.#all(fields), message);
  }

  child(fields: LogFields): Logger {
    return new ResourceLogger(this.#logger, this.#resource, this.#scope, { ...this.#more, ...fields });
  }

  #all(fields: LogFields): LogFields {
    return { resourceId: this.#resource, ...placeOf(this.#scope), ...callFields(), ...this.#more, ...fields };
  }
}

function placeOf({ tenant = currentContext()?.tenant, workflow, execution, action }: ResourceScope): LogFields {
  return {
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(workflow === undefined ? {} : { workflowId: workflow }),
    ...(execution === undefined ? {} : { executionId: execution }),
    ...(action === undefined ? {} : { actionId: action }),
  };
}

function callFields(): LogFields {
  const { requestId, traceparent } = currentContext() ?? {};
  return { ...(requestId === undefined ? {} : { requestId }), ...traceFields(traceparent) };
}

function traceFields(traceparent: string | undefined): LogFields {
  const active = trace.getActiveSpan()?.spanContext();
  if (active !== undefined && isSpanContextValid(active)) return { traceId: active.traceId, spanId: active.spanId };
  const [, traceId, spanId] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? {} : { traceId, spanId };
}
