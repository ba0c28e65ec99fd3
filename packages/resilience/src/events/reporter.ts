import type { Counter } from '@opentelemetry/api';
import { createTelemetry } from '@tenon/core';
import type { ResilienceEvent, ResilienceEventSink } from './resilience-event.ts';

/** The counters, by the event that each counts. Their one label is the dependency. */
const counters: Partial<Record<ResilienceEvent['type'], readonly [name: string, description: string]>> = {
  'retry-scheduled': ['resilience_retries_total', 'Calls that failed and were tried again'],
  'retry-budget-exhausted': ['resilience_retry_budget_exhausted_total', 'Retries that the budget refused'],
  'circuit-opened': ['resilience_circuit_openings_total', 'Times that a circuit breaker opened'],
  'circuit-rejected': ['resilience_circuit_rejections_total', 'Calls that an open circuit breaker turned away'],
  'timed-out': ['resilience_timeouts_total', 'Calls that took too long and were aborted'],
  'late-result': ['resilience_late_results_total', 'Results that came after the timeout of their call'],
  'bulkhead-rejected': ['resilience_bulkhead_rejections_total', 'Calls that a bulkhead turned away'],
  'rate-limited': ['resilience_rate_limited_total', 'Calls that a rate limit turned away'],
  'hedge-started': ['resilience_hedges_total', 'Calls that were started beside a slow one'],
  'fallback-used': ['resilience_fallbacks_total', 'Calls that a fallback answered'],
};

function counterFor(type: ResilienceEvent['type']): Counter | undefined {
  const described = counters[type];
  return described === undefined ? undefined : createTelemetry('@tenon/resilience').counter(...described);
}

/**
 * Counts events and hands them on. Nothing is made before the first event, so that a call without one pays nothing, and an SDK may
 * be installed after the strategies were made.
 *
 * @param dependency - the label of the counters; a registry gives its own name here, as the names in it have no bounds
 */
export function createReporter(
  dependency: string,
  sink: ResilienceEventSink | undefined,
): (event: ResilienceEvent) => void {
  const labels = { dependency };
  const instruments = new Map<string, Counter | undefined>();
  return (event) => {
    if (!instruments.has(event.type)) instruments.set(event.type, counterFor(event.type));
    instruments.get(event.type)?.add(1, labels);
    try {
      sink?.(event);
    } catch {
      // A listener does not decide how a call ends.
    }
  };
}
