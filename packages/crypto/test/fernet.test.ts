import { isSecret } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { createFernet, generateFernetKey, type FernetDecryptOptions } from '@tenon/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, thrownBy } from './code-of.ts';
import { generate, invalid, verify } from './vectors/fernet.ts';

const key = generateFernetKey();

describe('the published vectors', () => {
  it('are written byte for byte', () => {
    const fernet = createFernet([generate.secret], {
      clock: createTestClock(Date.parse(generate.now)),
      fillRandom: (bytes) => bytes.set(generate.iv),
    });
    expect(fernet.encrypt(generate.source)).toBe(generate.token);
  });

  it('are read', () => {
    const fernet = createFernet([verify.secret], { clock: createTestClock(Date.parse(verify.now)) });
    expect(text(fernet.decrypt(verify.token, { ttlMs: verify.ttlSeconds * 1000 }))).toBe(verify.source);
  });

  it.each(invalid)('are refused: $description', ({ token, now, secret, ttlSeconds, code }) => {
    const fernet = createFernet([secret], { clock: createTestClock(Date.parse(now)) });
    expect(codeOf(() => fernet.decrypt(token, { ttlMs: ttlSeconds * 1000 }))).toBe(code);
  });
});

describe('a token', () => {
  it('gives back any bytes, as base64url with padding', () => {
    const fernet = createFernet([key]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        const token = fernet.encrypt(message);
        expect(token).toMatch(/^gAAAAA[A-Za-z0-9_-]+={0,2}$/);
        expect(token.length % 4).toBe(0);
        expect(Buffer.compare(fernet.decrypt(token, { ttlMs: 5_000 }), message)).toBe(0);
      }),
    );
  });

  it('has an initialization vector of its own', () => {
    const fernet = createFernet([key]);
    expect(new Set(Array.from({ length: 200 }, () => fernet.encrypt('same'))).size).toBe(200);
  });

  it('fails closed for every byte changed', () => {
    const fernet = createFernet([key]);
    const bytes = Buffer.from(fernet.encrypt('a message'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(codeOf(() => fernet.decrypt(padded(changed)))).toBe(
        at === 0 ? 'FERNET_TOKEN_MALFORMED' : 'FERNET_TOKEN_REJECTED',
      );
    }
  });

  it('fails closed when it is cut anywhere', () => {
    const fernet = createFernet([key]);
    const bytes = Buffer.from(fernet.encrypt('a message of more than a block'), 'base64url');
    for (let length = 0; length < bytes.length; length += 1) {
      expect(codeOf(() => fernet.decrypt(padded(bytes.subarray(0, length))))).toMatch(
        /^FERNET_TOKEN_(MALFORMED|REJECTED)$/,
      );
    }
  });

  it('is read strictly: one text for one token', () => {
    const fernet = createFernet([key]);
    const token = fernet.encrypt('a message');
    expect(token.endsWith('=')).toBe(true);
    const bare = token.replaceAll('=', '');
    const variants = ['', '=', '====', bare, `${bare}===`, `${token}=`, `${token}====`, ` ${token}`, `${token}\n`];
    variants.push(`=${token.slice(1)}`, `${token.slice(0, 8)}====${token.slice(8)}`, `+${token.slice(1)}`, 'A===');
    for (const variant of variants) {
      expect(codeOf(() => fernet.decrypt(variant))).toBe('FERNET_TOKEN_MALFORMED');
    }
    expect(codeOf(() => fernet.decrypt(undefined as unknown as string))).toBe('FERNET_TOKEN_MALFORMED');
  });

  it('refuses text that is not valid Unicode', () => {
    expect(codeOf(() => createFernet([key]).encrypt('\uD800'))).toBe('TEXT_INVALID');
  });
});

describe('the age of a token', () => {
  const start = Date.UTC(2026, 0, 1);

  /** Reads a token `afterMs` milliseconds after it was made. */
  function readAfter(afterMs: number, options: FernetDecryptOptions): string {
    const clock = createTestClock(start);
    const fernet = createFernet([key], { clock });
    const token = fernet.encrypt('text');
    clock.setNow(start + afterMs);
    return codeOf(() => fernet.decrypt(token, options));
  }

  it('is judged in whole seconds, and the last one still counts', () => {
    expect(readAfter(59_000, { ttlMs: 60_000 })).toBe('nothing was thrown');
    expect(readAfter(60_999, { ttlMs: 60_000 })).toBe('nothing was thrown');
    expect(readAfter(61_000, { ttlMs: 60_000 })).toBe('FERNET_TOKEN_EXPIRED');
    expect(readAfter(999, { ttlMs: 0 })).toBe('nothing was thrown');
    expect(readAfter(1_000, { ttlMs: 0 })).toBe('FERNET_TOKEN_EXPIRED');
  });

  it('may be up to 60 seconds negative, for clocks that differ', () => {
    expect(readAfter(-60_000, { ttlMs: 1_000 })).toBe('nothing was thrown');
    expect(readAfter(-61_000, { ttlMs: 1_000 })).toBe('FERNET_TOKEN_FROM_FUTURE');
  });

  it('does not matter without a limit', () => {
    expect(readAfter(10 * 365 * 86_400_000, {})).toBe('nothing was thrown');
    expect(readAfter(-86_400_000, {})).toBe('nothing was thrown');
    expect(readAfter(10 * 365 * 86_400_000, { ttlMs: Infinity })).toBe('nothing was thrown');
  });

  it('is never waved through by a limit that is not a number', () => {
    for (const ttlMs of [Number.NaN, -1, -Infinity, 'soon' as unknown as number]) {
      expect(readAfter(0, { ttlMs })).toBe('FERNET_TTL_INVALID');
    }
  });

  it('is looked at only when the token is authentic', () => {
    const clock = createTestClock(start);
    const token = createFernet([generateFernetKey()], { clock }).encrypt('text');
    clock.setNow(start + 3_600_000);
    expect(codeOf(() => createFernet([key], { clock }).decrypt(token, { ttlMs: 1_000 }))).toBe('FERNET_TOKEN_REJECTED');
  });

  it('can be written beyond 2106, when 32 bits of seconds are full', () => {
    const clock = createTestClock(Date.UTC(2200, 0, 1));
    const fernet = createFernet([key], { clock });
    expect(text(fernet.decrypt(fernet.encrypt('later'), { ttlMs: 0 }))).toBe('later');
  });
});

describe('several keys', () => {
  const old = generateFernetKey();

  it('all decrypt, and the first encrypts', () => {
    const both = createFernet([key, old]);
    expect(text(both.decrypt(createFernet([old]).encrypt('old')))).toBe('old');
    expect(text(createFernet([key]).decrypt(both.encrypt('new')))).toBe('new');
    expect(codeOf(() => createFernet([old]).decrypt(both.encrypt('new')))).toBe('FERNET_TOKEN_REJECTED');
  });

  it('rotate a token to the first key and keep its date', () => {
    const clock = createTestClock();
    const token = createFernet([old], { clock }).encrypt('text');
    clock.setNow(clock.now() + 30_000);
    const rotated = createFernet([key, old], { clock }).rotate(token);
    const fresh = createFernet([key], { clock });
    expect(text(fresh.decrypt(rotated, { ttlMs: 30_000 }))).toBe('text');
    expect(codeOf(() => fresh.decrypt(rotated, { ttlMs: 29_000 }))).toBe('FERNET_TOKEN_EXPIRED');
    expect(rotated.slice(0, 12)).toBe(token.slice(0, 12));
    expect(rotated.slice(12, 34)).not.toBe(token.slice(12, 34));
  });

  it('rotate nothing that none of them made', () => {
    const fernet = createFernet([key]);
    expect(codeOf(() => fernet.rotate(createFernet([old]).encrypt('text')))).toBe('FERNET_TOKEN_REJECTED');
    expect(codeOf(() => fernet.rotate('nonsense'))).toBe('FERNET_TOKEN_MALFORMED');
  });
});

describe('a Fernet key', () => {
  it('is a secret of 44 characters, another each time', () => {
    const keys = Array.from({ length: 20 }, generateFernetKey);
    for (const made of keys) {
      expect(isSecret(made)).toBe(true);
      expect(made.reveal()).toMatch(/^[A-Za-z0-9_-]{43}=$/);
    }
    expect(new Set(keys.map((made) => made.reveal())).size).toBe(20);
  });

  it('is refused when it is malformed or missing, by its place, without showing it', () => {
    const good = key.reveal();
    for (const bad of [
      '',
      good.slice(0, 43),
      `${good}=`,
      ` ${good}`,
      good.slice(4),
      `+${good.slice(1)}`,
      'x'.repeat(44),
    ]) {
      expect(codeOf(() => createFernet([key, bad]))).toBe('FERNET_KEY_INVALID');
    }
    // The last character of 32 bytes carries two spare bits: set, they make a second text for one key.
    expect(codeOf(() => createFernet([`${'A'.repeat(42)}B=`]))).toBe('FERNET_KEY_INVALID');
    expect(codeOf(() => createFernet([]))).toBe('FERNET_KEY_INVALID');
    const error = thrownBy(() => createFernet([key, `${good}${good}`]));
    expect(error?.details).toEqual({ position: 2 });
    expect(error?.message).not.toContain(good.slice(0, 8));
  });
});

function padded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
