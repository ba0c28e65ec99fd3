import { credentialError } from '../errors.ts';
import type { CredentialRefresher, RefreshOptions } from './credential-refresher.ts';

/** The options of refreshing, complete, and the refreshers by kind. */
export interface RefreshSettings extends Required<RefreshOptions> {
  readonly refreshers: ReadonlyMap<string, CredentialRefresher>;
}

/** @throws `CREDENTIALS_OPTIONS_INVALID` when times contradict each other or two refreshers are of one kind */
export function checkRefreshOptions(
  refreshers: readonly CredentialRefresher[],
  options: RefreshOptions = {},
): RefreshSettings {
  const settings: RefreshSettings = {
    beforeExpiryMs: options.beforeExpiryMs ?? 60_000,
    timeoutMs: options.timeoutMs ?? 8_000,
    claimTtlMs: options.claimTtlMs ?? 30_000,
    heartbeatMs: options.heartbeatMs ?? 10_000,
    lateMs: options.lateMs ?? 60_000,
    graceMs: options.graceMs ?? 300_000,
    concurrency: options.concurrency ?? 32,
    refreshers: byKind(refreshers),
  };
  for (const name of ['timeoutMs', 'claimTtlMs', 'heartbeatMs', 'concurrency'] as const) positive(name, settings[name]);
  for (const name of ['beforeExpiryMs', 'lateMs', 'graceMs'] as const) {
    if (!(Number.isFinite(settings[name]) && settings[name] >= 0)) throw invalid(`${name} must be a number from 0`);
  }
  const { timeoutMs, claimTtlMs, heartbeatMs, concurrency } = settings;
  if (concurrency > 1_000) throw invalid('concurrency must be at most 1,000');
  // A claim that runs out while its holder is well would let a second one ask the provider with the same material.
  if (3 * heartbeatMs > claimTtlMs) throw invalid('claimTtlMs must be at least three times heartbeatMs');
  if (timeoutMs + 2 * heartbeatMs > claimTtlMs) {
    throw invalid('claimTtlMs must be at least timeoutMs and two times heartbeatMs');
  }
  return settings;
}

function byKind(refreshers: readonly CredentialRefresher[]): ReadonlyMap<string, CredentialRefresher> {
  const map = new Map(refreshers.map((one) => [one.kind, one]));
  if (map.size < refreshers.length) throw invalid('two refreshers are of one kind');
  return map;
}

function positive(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1)) throw invalid(`${name} must be a whole number from 1`);
}

function invalid(why: string): Error {
  return credentialError('CREDENTIALS_OPTIONS_INVALID', `refreshing: ${why}`);
}
