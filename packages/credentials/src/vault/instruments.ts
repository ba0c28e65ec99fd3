import type { Telemetry } from '@tenon/core';
import type { CacheStatistics } from '../cache/credential-cache.ts';

/** The metrics of a vault. No credential's name is a label: their number is unbounded. */
export interface CredentialInstruments {
  /** An operation ended: `retrieve` and `succeeded`, or a failure's code. */
  ended(operation: string, result: string, seconds: number): void;
}

/** Registers the metrics of one vault. */
export function createInstruments(
  telemetry: Telemetry,
  cache: (() => CacheStatistics) | undefined,
): CredentialInstruments {
  const operations = telemetry.counter(
    'credential_operations_total',
    'Operations on credentials, by what came of them',
  );
  const durations = telemetry.histogram('credential_operation_duration_seconds', 'How long operations took');
  if (cache !== undefined) {
    telemetry.gauge('credential_cache_hit_ratio', 'Reads that the cache answered, 0 to 1', () => cache().hitRate);
    telemetry.gauge('credential_cache_entries', 'Credentials in the cache', () => cache().entries);
  }
  return {
    ended(operation, result, seconds) {
      operations.add(1, { operation, result });
      durations.record(seconds, { operation });
    },
  };
}
