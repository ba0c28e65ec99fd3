/**
 * Freezes plain data (objects, arrays, and what JSON knows) all the way down.
 *
 * @returns the same value. What is frozen already is taken to be so all the way down
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
