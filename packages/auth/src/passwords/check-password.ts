import type { InputProblem, Secret } from '@tenon/core';
import { isSecret } from '@tenon/core';
import { isCommonPassword } from './common-passwords.ts';
import { MAX_PASSWORD_BYTES } from './prepare-password.ts';

/** Fewest characters of a new password, counted as code points after NFC. */
const MIN_PASSWORD_CHARACTERS = 12;

/**
 * Checks a new password. There are no rules about what it is made of: length, and not being common, is what counts
 * (NIST SP 800-63B, section 5.1.1.2).
 *
 * @param path - where the password stands in the input, as a JSON pointer
 * @param common - passwords to refuse, in lower case and NFC
 * @returns all problems; none repeats the password
 */
export function checkPassword(given: Secret | string, path: string, common: ReadonlySet<string>): InputProblem[] {
  const text = isSecret(given) ? given.reveal() : given;
  if (typeof text !== 'string' || text === '') {
    return [{ path, code: 'required', message: 'a password is required' }];
  }
  if (!text.isWellFormed()) {
    return [{ path, code: 'invalid', message: 'the password holds half of a character; type it again' }];
  }
  const normal = text.normalize('NFC');
  const problems: InputProblem[] = [];
  if (Array.from(normal).length < MIN_PASSWORD_CHARACTERS) {
    const message = `the password must have at least ${MIN_PASSWORD_CHARACTERS} characters`;
    problems.push({ path, code: 'too_short', message });
  }
  if (Buffer.byteLength(normal) > MAX_PASSWORD_BYTES) {
    const message = `the password must have at most ${MAX_PASSWORD_BYTES} bytes of UTF-8, because bcrypt reads no more`;
    problems.push({ path, code: 'too_long', message });
  }
  if (isCommonPassword(normal, common)) {
    problems.push({ path, code: 'common', message: 'the password is one that everybody tries first; choose another' });
  }
  return problems;
}
