import { err, ok, type InputProblem, type Result } from '@tenon/core';

const MAX_NAME = 255;

/** Checks the name of a tenant: trimmed, NFC, 1 to 255 code points, no control characters. */
export function parseTenantName(input: unknown): Result<string, InputProblem> {
  const path = '/name';
  if (typeof input !== 'string') return err({ path, code: 'wrong_type', message: 'must be a string' });
  const name = input.trim().normalize('NFC');
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) {
    return err({ path, code: 'not_text', message: 'must be well-formed text without control characters' });
  }
  if (name === '') return err({ path, code: 'too_short', message: 'must not be empty' });
  if (Array.from(name).length > MAX_NAME) {
    return err({ path, code: 'too_long', message: `must have at most ${MAX_NAME} characters` });
  }
  return ok(name);
}
