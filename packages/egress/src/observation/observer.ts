import { createTelemetry, isCodedError, type Logger, type Telemetry } from '@tenon/core';
import type { EgressTarget } from '../policy/check-url.ts';
import type { EgressPolicy } from '../policy/egress-policy.ts';

/** What is known of a request when its answer begins. */
export interface Outcome {
  readonly status: number;
  readonly redirects: number;
  readonly remoteAddress: string;
}

/** Tells logs, traces and metrics about requests: never a path, a query, a header or a body, which may all hold secrets. */
export interface Observer {
  /** Runs a request up to the headers of its answer. */
  watch<T extends Outcome>(target: EgressTarget, method: string, work: () => Promise<T>): Promise<T>;
  /** Tells of a request that was refused before it had a target. */
  refused(error: unknown): void;
}

const knownMethods = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);

/**
 * Makes the observer of one egress. Names follow OpenTelemetry's conventions for HTTP clients; the host is a label only where
 * the policy lists it, because users who choose hosts choose how many labels there are.
 */
export function createObserver(policy: EgressPolicy, logger: Logger, elapsedMs: () => number): Observer {
  const telemetry = createTelemetry('@tenon/egress');
  const instruments = lazily(() => instrumentsOf(telemetry));
  const listed = new Set(policy.allow?.names.filter((name) => !name.isWildcard).map((one) => one.name));

  return {
    async watch(target, method, work) {
      const { hostname, port, scheme } = target;
      const attributes = {
        'http.request.method': knownMethods.has(method) ? method : '_OTHER',
        'url.scheme': scheme,
        ...(listed.has(hostname) ? { 'server.address': hostname, 'server.port': port } : {}),
      };
      const fields = { method, scheme, host: hostname, port };
      const startedMs = elapsedMs();
      const record = (result: Readonly<Record<string, string | number>>): number => {
        const durationMs = elapsedMs() - startedMs;
        instruments().duration.record(durationMs / 1_000, { ...attributes, ...result });
        return durationMs;
      };
      const spanName = knownMethods.has(method) ? method : 'HTTP';
      return telemetry.span(spanName, attributes, async (span) => {
        try {
          const outcome = await work();
          const { status, redirects, remoteAddress } = outcome;
          span.setAttribute('http.response.status_code', status);
          const durationMs = record({ 'http.response.status_code': status });
          logger.debug({ ...fields, status, redirects, remoteAddress, durationMs }, 'a request was answered');
          return outcome;
        } catch (error) {
          const code = codeOf(error);
          const durationMs = record({ 'error.type': code });
          logger.warn({ ...fields, code, reason: reasonOf(error), durationMs }, 'a request failed');
          if (code.endsWith('_FORBIDDEN')) instruments().refusals.add(1, { 'error.type': code });
          throw error;
        }
      });
    },
    refused(error) {
      const code = codeOf(error);
      logger.warn({ code }, 'a request was refused');
      instruments().refusals.add(1, { 'error.type': code });
    },
  };
}

function instrumentsOf(telemetry: Telemetry): {
  readonly duration: ReturnType<Telemetry['histogram']>;
  readonly refusals: ReturnType<Telemetry['counter']>;
} {
  return {
    duration: telemetry.histogram('http.client.request.duration', 'Time until an answer begins', 's'),
    refusals: telemetry.counter('tenon.egress.refused', 'Requests to where the policy does not let them'),
  };
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function codeOf(error: unknown): string {
  return isCodedError(error) ? error.code : 'unknown';
}

/** The code of what lies beneath: system errors name addresses in their messages, and parsers quote. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  const causes = cause instanceof AggregateError ? cause.errors : [cause];
  const codes = causes.map((one: unknown) => (one as { readonly code?: unknown } | undefined)?.code);
  return codes.filter((code) => typeof code === 'string').join(' ');
}
