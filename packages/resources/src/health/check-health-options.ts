import type { HealthOptions } from '../definition/resource-definition.ts';
import { resourceError, type ResourceError } from '../errors.ts';

const MAX_INTERVAL_MS = 86_400_000;

/** What each option may be, and how to say it. */
const rules: Readonly<
  Record<Exclude<keyof HealthOptions, 'looksInDoubt'>, readonly [(value: number) => boolean, string]>
> = {
  intervalMs: [(value) => value >= 100 && value <= MAX_INTERVAL_MS, 'milliseconds from 100 to 86,400,000'],
  timeoutMs: [(value) => value >= 1 && value < Infinity, 'milliseconds from 1'],
  failureThreshold: [(value) => Number.isInteger(value) && value >= 1, 'a whole number from 1'],
  weight: [(value) => value >= 0 && value <= 1_000, 'a number from 0 to 1,000'],
  initialDelayMs: [(value) => value >= 1 && value < Infinity, 'milliseconds from 1'],
  factor: [(value) => value >= 1 && value < Infinity, 'a number from 1'],
  maxDelayMs: [(value) => value >= 1 && value < Infinity, 'milliseconds from 1'],
  maxAttempts: [
    (value) => (Number.isInteger(value) || value === Infinity) && value >= 1,
    'a whole number from 1, or Infinity',
  ],
  successesNeeded: [(value) => Number.isInteger(value) && value >= 1, 'a whole number from 1'],
};

/**
 * Refuses what makes no sense.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the option and its range
 */
export function checkHealthOptions(resource: string, health: HealthOptions): void {
  for (const [option, [isValid, range]] of Object.entries(rules)) {
    const value = health[option as keyof HealthOptions];
    if (value !== undefined && !(typeof value === 'number' && isValid(value))) throw invalid(resource, option, range);
  }
  const { looksInDoubt } = health;
  if (looksInDoubt !== undefined && typeof looksInDoubt !== 'boolean') {
    throw invalid(resource, 'looksInDoubt', 'true or false');
  }
}

function invalid(resource: string, option: string, range: string): ResourceError {
  return resourceError(
    'RESOURCE_CONFIGURATION_INVALID',
    `option "${option}" of the health of resource "${resource}" must be ${range}`,
    { details: { resource, option } },
  );
}
