import { InvalidArgumentError } from 'commander';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const ISO_8601 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** An option's value as a whole number. @throws `InvalidArgumentError` of commander, as all of these */
export function toWholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

/** `90d` in milliseconds. */
export function toDurationMs(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (count !== undefined && unitMs !== undefined) return Number(count) * unitMs;
  throw new InvalidArgumentError('It must be a number with a unit: 30s, 15m, 12h, 90d or 4w.');
}

/** A moment of ISO 8601; a day alone is its beginning in UTC. */
export function toMoment(text: string): Date {
  const moment = new Date(text);
  if (ISO_8601.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw new InvalidArgumentError('It must be a time of ISO 8601, such as 2030-01-31 or 2030-01-31T12:00:00Z.');
}

/** Collects the values of an option that can be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}
