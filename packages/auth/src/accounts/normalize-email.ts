/** Longest address, in characters (RFC 5321 allows 254 between the brackets of a path). */
export const MAX_EMAIL_CHARACTERS = 254;

// Anything stricter refuses somebody's real address; whether it is theirs is for a message to it to find out.
const ADDRESS = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u;

/** An address in its two forms. */
export interface NormalEmail {
  /** As it was typed, trimmed, in NFC. */
  readonly shown: string;
  /** What makes it unique: lower-cased NFC. */
  readonly key: string;
}

/** Brings an address into its two forms. @returns `undefined` when it is none */
export function normalizeEmail(given: string): NormalEmail | undefined {
  if (typeof given !== 'string' || !given.isWellFormed()) return undefined;
  const shown = given.trim().normalize('NFC');
  if (Array.from(shown).length > MAX_EMAIL_CHARACTERS || !ADDRESS.test(shown)) return undefined;
  return { shown, key: shown.toLowerCase().normalize('NFC') };
}
