import type { FastifyInstance } from 'fastify';
import { serverError } from '../errors.ts';

const MAX_DEPTH = 64;
const decoder = new TextDecoder('utf-8', { fatal: true });

function malformed(message: string, cause?: unknown): Error {
  return serverError('BODY_MALFORMED', message, { cause });
}

/**
 * Reads a JSON body strictly: valid UTF-8 only (Node would replace what is not), no NUL and no lone surrogates in any text,
 * no `__proto__` or `constructor` keys, no absurd nesting.
 *
 * @throws `BODY_MALFORMED` saying what is wrong
 */
function parseJsonBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (error) {
    throw malformed('the body is not valid UTF-8', error);
  }
  assertDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the body, which may hold a password.
    throw malformed('the body is not valid JSON');
  }
  // Only an escape can hide any of these from the parser; a body without one needs no second look.
  if (/\\u|__proto__|constructor/.test(text)) assertSafe(value);
  return value;
}

function assertDepth(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (quoted) {
      if (character === 0x5c) index += 1;
      else if (character === 0x22) quoted = false;
    } else if (character === 0x22) quoted = true;
    else if (character === 0x7b || character === 0x5b) {
      depth += 1;
      if (depth > MAX_DEPTH) throw malformed(`the body is nested deeper than ${MAX_DEPTH} levels`);
    } else if (character === 0x7d || character === 0x5d) depth -= 1;
  }
}

function assertSafe(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw malformed('the body has text with a NUL character in it');
    if (!value.isWellFormed()) throw malformed('the body has text with half of a surrogate pair in it');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__' || (key === 'constructor' && typeof inner === 'object')) {
      throw malformed('the body has a key that is not allowed: __proto__ or constructor');
    }
    assertSafe(key);
    assertSafe(inner);
  }
}

/** Makes `application/json` the only media type that bodies may have, read by {@link parseJsonBody}. */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/([\w.-]+\+)?json(;|$)/, { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}
