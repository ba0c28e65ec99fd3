import { createHash, randomBytes } from 'node:crypto';
import { Secret } from '@tenon/core';
import { tenancyError } from '../errors.ts';

const FORM = /^tni_[A-Za-z0-9_-]{43}$/;

/** A new token: a prefix that scanners for leaked secrets can recognise, and 256 random bits. */
export function newInvitationToken(): Secret {
  return new Secret(`tni_${randomBytes(32).toString('base64url')}`);
}

/**
 * What is stored of a token: its SHA-256. Nothing slower is needed, because there is nothing to guess.
 *
 * @throws `INVITATION_INVALID` when the text has not the form of a token
 */
export function hashInvitationToken(token: Secret | string): Buffer {
  const text = typeof token === 'string' ? token : token.reveal();
  if (!FORM.test(text)) throw invitationInvalid();
  return createHash('sha256').update(text).digest();
}

/** The one failure of all tokens that cannot be accepted, so that trying them teaches nothing. */
export function invitationInvalid(): Error {
  return tenancyError('INVITATION_INVALID', 'the invitation is unknown, used, replaced or expired; ask for a new one');
}
