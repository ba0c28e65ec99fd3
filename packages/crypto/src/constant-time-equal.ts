import { hash, timingSafeEqual } from 'node:crypto';

/**
 * Compares text or bytes in a time that tells nothing about where they differ: both are hashed with SHA-256 first, so
 * different lengths are compared like equal ones. Text counts as its UTF-8 bytes; text that is not valid Unicode equals
 * nothing.
 */
export function constantTimeEqual(left: Uint8Array | string, right: Uint8Array | string): boolean {
  // A lone surrogate would become U+FFFD and so equal a text that it is not.
  const valid = isValid(left) && isValid(right);
  return timingSafeEqual(hash('sha256', left, 'buffer'), hash('sha256', right, 'buffer')) && valid;
}

function isValid(value: Uint8Array | string): boolean {
  return typeof value !== 'string' || value.isWellFormed();
}
