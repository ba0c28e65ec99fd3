import { credentialError } from '../errors.ts';

const MAX_LENGTH = 512;
// Programs name the same few scopes again and again, and looking at one costs as much as a tenth of opening a credential.
const MAX_SOUND = 1_000;
const sound = new Set<unknown>();
const SEGMENT = /^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$/;

/**
 * Tells what is wrong with a scope: a path of `level:name` segments joined by `/`, such as `org:acme/team:eng/service:api`, 1 to
 * 512 characters, each level and name of ASCII letters, digits, `_` and `-`.
 *
 * @returns `undefined` when nothing is
 */
export function scopeProblem(text: unknown): string | undefined {
  if (typeof text !== 'string') return 'it must be text';
  if (text === '') return 'it is empty';
  if (text.length > MAX_LENGTH) return `it has ${text.length} characters, and ${MAX_LENGTH} is the most`;
  if (text.startsWith('/') || text.endsWith('/')) return 'it begins or ends with "/"';
  const segments = text.split('/');
  if (segments.includes('')) return 'it has an empty segment';
  const wrong = segments.findIndex((segment) => !SEGMENT.test(segment));
  return wrong === -1 ? undefined : `segment ${wrong + 1} is not of the form level:name`;
}

/** @throws `CREDENTIAL_SCOPE_INVALID` saying what is wrong */
export function assertScope(text: unknown): asserts text is string {
  if (sound.has(text)) return;
  const problem = scopeProblem(text);
  if (problem === undefined) {
    if (sound.size >= MAX_SOUND) sound.clear();
    sound.add(text);
    return;
  }
  throw credentialError(
    'CREDENTIAL_SCOPE_INVALID',
    `this cannot be a scope: ${problem}. A scope is written as "org:acme/team:eng"`,
    { details: { reason: problem } },
  );
}

/**
 * Tells whether who acts in `ancestor` may see what lies in `scope`: in the same one or below it. `org:ac` does not cover
 * `org:acme`.
 */
export function covers(ancestor: string, scope: string): boolean {
  return scope === ancestor || scope.startsWith(`${ancestor}/`);
}
