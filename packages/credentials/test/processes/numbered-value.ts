/** The credentials that the processes work on. */
export const CREDENTIALS: readonly string[] = ['a', 'b', 'c', 'd'];

/** For how long a process that rotates leaves the version before readable: for longer than any test runs. */
export const GRACE_MS = 3_600_000;

/** A value that takes several pages of a disk, and tells its number at both ends. */
export function valueOf(number: number): string {
  return `${number}:${'x'.repeat(20_000)}:${number}`;
}

/** The number of a value. @throws when it is not whole */
export function numberIn(value: string): number {
  const number = Number.parseInt(value, 10);
  if (value === valueOf(number)) return number;
  throw new Error('the value is torn');
}
