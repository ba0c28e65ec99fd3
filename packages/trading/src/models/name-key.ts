/** The form in which names are compared, sorted and searched by prefix: NFC, lower case. */
export function toNameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
