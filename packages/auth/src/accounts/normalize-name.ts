const MAX_NAME_CHARACTERS = 255;

/**
 * Brings a name that people gave into the form that is kept: trimmed, in NFC.
 *
 * @returns `undefined` unless it is 1 to 255 characters of valid Unicode without control characters
 */
export function normalizeName(given: string): string | undefined {
  if (typeof given !== 'string' || !given.isWellFormed()) return undefined;
  const name = given.trim().normalize('NFC');
  return name === '' || Array.from(name).length > MAX_NAME_CHARACTERS || /\p{Cc}/u.test(name) ? undefined : name;
}
