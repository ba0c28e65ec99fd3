/** What the work of one instance has shown, as running means that forget: a quarter of the weight is in the newest. */
export interface MemberRecord {
  /** Share of the work that succeeded; `undefined` before the first. */
  successRate: number | undefined;
  /** Mean response time, in milliseconds. */
  responseMs: number | undefined;
  /** For the turns of smooth weighted round robin. */
  credit: number;
}

const NEWEST = 0.25;

/** A record of nothing yet. */
export function emptyRecord(): MemberRecord {
  return { successRate: undefined, responseMs: undefined, credit: 0 };
}

/** Adds one piece of work. */
export function addToRecord(record: MemberRecord, responseMs: number, failed: boolean): void {
  const success = failed ? 0 : 1;
  const { successRate, responseMs: mean } = record;
  record.successRate = successRate === undefined ? success : successRate + (success - successRate) * NEWEST;
  record.responseMs = mean === undefined ? responseMs : mean + (responseMs - mean) * NEWEST;
}

/** Forgets the work, for example as it was too long ago to say anything. */
export function forget(record: MemberRecord): void {
  record.successRate = undefined;
  record.responseMs = undefined;
}
