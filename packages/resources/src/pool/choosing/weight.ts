import type { MemberRecord } from './member-record.ts';

const UNHEALTHY = 0.1;
const SHARE_OF_UNHEALTHY = 0.02;
const NO_HEALTH_DATA = 0.8;

/**
 * What an instance is worth: half its health, three tenths its success, two tenths its speed. One that is unhealthy (0.1 or less) gets
 * a fiftieth of that: enough to see it recover, too little to hurt.
 *
 * @param health - 0 to 1, or `undefined` for no data, which counts 0.8
 * @returns above 0, at most 1
 */
export function weightOf(record: MemberRecord | undefined, health: number | undefined): number {
  const known = health === undefined || Number.isNaN(health) ? NO_HEALTH_DATA : Math.min(1, Math.max(0, health));
  const weight = 0.5 * known + 0.3 * (record?.successRate ?? 1) + 0.2 * responseScore(record?.responseMs ?? 0);
  return Math.max(known <= UNHEALTHY ? weight * SHARE_OF_UNHEALTHY : weight, 0.001);
}

/**
 * Rates a response time: 1 up to 100 ms, then down in a line to a half at 500 ms, then in inverse proportion.
 *
 * @param responseMs - 0 or more
 */
export function responseScore(responseMs: number): number {
  if (responseMs <= 100) return 1;
  if (responseMs <= 500) return 1 - (0.5 * (responseMs - 100)) / 400;
  return 0.5 / (1 + (responseMs - 500) / 1_000);
}
