import { credentialError } from '../errors.ts';

const ID = /^[A-Za-z0-9_-]{1,255}$/;

/** Tells whether text can be the id of a credential: 1 to 255 ASCII letters, digits, `_` or `-`. Case counts. */
export function isCredentialId(text: unknown): text is string {
  return typeof text === 'string' && ID.test(text);
}

/** @throws `CREDENTIAL_ID_INVALID` saying what is wrong, never the text itself: it may be a secret in the wrong place */
export function assertCredentialId(text: unknown): asserts text is string {
  if (isCredentialId(text)) return;
  const why =
    typeof text !== 'string'
      ? 'it must be text'
      : text === ''
        ? 'it is empty'
        : text.length > 255
          ? `it has ${text.length} characters, and 255 is the most`
          : 'it may hold ASCII letters, digits, "_" and "-" alone';
  throw credentialError('CREDENTIAL_ID_INVALID', `this cannot be the id of a credential: ${why}`, {
    details: { reason: why },
  });
}
