import { randomBytes } from 'node:crypto';
import { parseKeyText } from '../identity/credential-key.ts';

/** What a message of the invalidation says. */
export type InvalidationMessage =
  | { readonly what: 'changed'; readonly key: string }
  /** So much has changed that it is not listed. */
  | { readonly what: 'all' }
  /** One's own, to see that messages arrive. */
  | { readonly what: 'probe'; readonly number: number }
  /** Nothing to be done: the sender has done it itself, or asks nothing of others. */
  | { readonly what: 'nothing' };

/** Writes and reads the messages of one sender: a name for it, a blank, and the text of a key, `*`, or `?` with a number. */
export interface MessageFormat {
  changed(key: string): string;
  all(): string;
  probe(number: number): string;
  /** What a message means here. One that cannot be read may say anything, and so is taken to say everything. */
  read(text: string): InvalidationMessage;
}

/** Makes the format of one sender. Its name is random: 64 bits. */
export function createMessageFormat(): MessageFormat {
  const name = randomBytes(8).toString('base64url');
  return {
    changed: (key) => `${name} ${key}`,
    all: () => `${name} *`,
    probe: (number) => `${name} ?${number}`,
    read(text) {
      const blank = text.indexOf(' ');
      const isOwn = text.slice(0, Math.max(0, blank)) === name;
      // Without a blank it comes from somebody's trigger or hand, and is the text of a key alone.
      const body = text.slice(blank + 1);
      if (body.startsWith('?')) return isOwn ? { what: 'probe', number: Number(body.slice(1)) } : { what: 'nothing' };
      if (isOwn) return { what: 'nothing' };
      return parseKeyText(body) === undefined ? { what: 'all' } : { what: 'changed', key: body };
    },
  };
}
