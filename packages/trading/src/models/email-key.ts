/** The form of an email by which people are found: trimmed, NFC, lower case. */
export function toEmailKey(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}
