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
  return loggerWith(logger, () => ({ resourceId: resource, ...placeOf(scope) }));
}

/** @param about - read for each line: there are far more resources than lines */
function loggerWith(logger: Logger, about: () => LogFields): Logger {
  const all = (fields: LogFields): LogFields => ({ ...about(), ...callFields(), ...fields });
  return {
    debug: (fields, message) => logger.debug(all(fields), message),
    info: (fields, message) => logger.info(all(fields), message),
    warn: (fields, message) => logger.warn(all(fields), message),
    error: (fields, message) => logger.error(all(fields), message),
    child: (fields) => loggerWith(logger, () => ({ ...about(), ...fields })),
  };
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
