/** The form of an email by which it is unique: NFC, trimmed, lower case. */
export function toEmailKey(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

/**
 * The form of a name by which it is sorted and found. PostgreSQL makes the same with `lower()`, one code point at a time;
 * JavaScript's own lower case looks around (final sigma) and may give two code points for one (İ).
 */
export function toNameKey(name: string): string {
  let key = '';
  for (const character of name.normalize('NFC')) {
    const [first = ''] = character.toLowerCase();
    key += first;
  }
  return key;
}
