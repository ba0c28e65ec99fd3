import { randomBytes } from 'node:crypto';
import { format, inspect } from 'node:util';
import { isSecret, Secret } from '@tenon/core';
import { KeyRing, open, seal } from '@tenon/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, thrownBy } from './code-of.ts';

const material = (): string => randomBytes(32).toString('base64url');
const bound = { associatedData: 'record' };

describe('making and writing a ring', () => {
  it('generates a different key each time, with an id that fits the text form', () => {
    const rings = Array.from({ length: 20 }, () => KeyRing.generate());
    expect(new Set(rings.map((ring) => ring.format().reveal())).size).toBe(20);
    for (const ring of rings) expect(ring.ids).toEqual([expect.stringMatching(/^[0-9a-f]{8}$/)]);
  });

  it('takes the id that it is given', () => {
    expect(KeyRing.generate({ id: 'prod-2026' }).ids).toEqual(['prod-2026']);
    expect(KeyRing.generate({ id: 'old' }).rotate({ id: 'new' }).ids).toEqual(['new', 'old']);
  });

  it('refuses an id that the text form cannot carry, or that is taken', () => {
    for (const id of ['', 'A', 'a:b', 'a,b', 'a b', 'x'.repeat(33), 'ü', 'a\n']) {
      expect(codeOf(() => KeyRing.generate({ id }))).toBe('KEY_RING_INVALID');
    }
    expect(codeOf(() => KeyRing.generate({ id: 'a' }).rotate({ id: 'a' }))).toBe('KEY_RING_INVALID');
  });

  it('gives its text as a secret, and reads it back to the same keys in the same order', () => {
    const ring = KeyRing.generate().rotate().rotate();
    const text = ring.format();
    expect(isSecret(text)).toBe(true);
    expect(text.reveal()).toMatch(/^[0-9a-f]{8}:[\w-]{43},[0-9a-f]{8}:[\w-]{43},[0-9a-f]{8}:[\w-]{43}$/);
    for (const again of [KeyRing.parse(text), KeyRing.parse(text.reveal()), KeyRing.parse(` ${text.reveal()}\r\n`)]) {
      expect(again.ids).toEqual(ring.ids);
      expect(again.format().equals(text)).toBe(true);
    }
  });

  it('gives the same key the same id, wherever it was made', () => {
    const ring = KeyRing.generate();
    expect(ring.rotate().ids[1]).toBe(ring.ids[0]);
  });
});

describe('rotating a ring', () => {
  it('puts a fresh key first and keeps the others, and leaves the old ring alone', () => {
    const old = KeyRing.generate();
    const rotated = old.rotate();
    expect(rotated.ids).toHaveLength(2);
    expect(rotated.ids.slice(1)).toEqual(old.ids);
    expect(old.ids).toHaveLength(1);
    expect(rotated.format().reveal().endsWith(old.format().reveal())).toBe(true);
  });
});

describe('reading a ring from text', () => {
  it.each([
    ['', 'KEY_RING_EMPTY'],
    ['  \n', 'KEY_RING_EMPTY'],
    [',', 'KEY_RING_INVALID'],
    [`a:${material()},`, 'KEY_RING_INVALID'],
    [`,a:${material()}`, 'KEY_RING_INVALID'],
    [material(), 'KEY_RING_INVALID'],
    [`:${material()}`, 'KEY_RING_INVALID'],
    [`A:${material()}`, 'KEY_RING_INVALID'],
    [`a_b:${material()}`, 'KEY_RING_INVALID'],
    [`${'a'.repeat(33)}:${material()}`, 'KEY_RING_INVALID'],
    ['a:', 'KEY_RING_INVALID'],
    [`a:${material()}:`, 'KEY_RING_INVALID'],
    [`a:${material()}=`, 'KEY_RING_INVALID'],
    [`a: ${material()}`, 'KEY_RING_INVALID'],
    [`a:${material()}, b:${material()}`, 'KEY_RING_INVALID'],
    [`a:${material()}\nb:${material()}`, 'KEY_RING_INVALID'],
    [`a:${material()},a:${material()}`, 'KEY_RING_INVALID'],
    [`a:${randomBytes(31).toString('base64url')}`, 'KEY_RING_INVALID'],
    [`a:${randomBytes(33).toString('base64url')}`, 'KEY_RING_INVALID'],
    [`a:${Buffer.alloc(32, 0xfb).toString('base64')}`, 'KEY_RING_INVALID'],
    [`a:${randomBytes(32).toString('hex')}`, 'KEY_RING_INVALID'],
    [`a:${'A'.repeat(43)}`, 'KEY_RING_INVALID'],
    [`a:${Buffer.alloc(32, 0x61).toString('base64url')}`, 'KEY_RING_INVALID'],
  ])('refuses %j with %s', (text, code) => {
    expect(codeOf(() => KeyRing.parse(text))).toBe(code);
  });

  it('refuses spare bits in the last character, so that a key has one text', () => {
    const bytes = randomBytes(32);
    const exact = bytes.toString('base64url');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const sloppy = exact.slice(0, 42) + alphabet[alphabet.indexOf(exact.charAt(42)) + 1];
    expect(Buffer.from(sloppy, 'base64url').equals(bytes)).toBe(true);
    expect(codeOf(() => KeyRing.parse(`a:${sloppy}`))).toBe('KEY_RING_INVALID');
  });

  it('says which key is wrong by its place and id', () => {
    const error = thrownBy(() => KeyRing.parse(`good:${material()},bad-one:abc`, 'TENON_KEYS'));
    expect(error).toMatchObject({ details: { keyId: 'bad-one', position: 2 }, retryable: false });
    expect(error?.message).toMatch(/^TENON_KEYS: key 2 \("bad-one"\)/);
  });

  it('does not show a key that stands there without an id, even where it could be one', () => {
    expect(thrownBy(() => KeyRing.parse('hunter2'))?.message).toMatch(/key 1 is not of the form id:key/);
  });

  it('never shows material in an error, whatever is wrong with the text', () => {
    const damage = fc.constantFrom<(id: string, key: string) => string>(
      (_, key) => key,
      (id, key) => `${key}:${id}`,
      (id, key) => `${id}:${key}=`,
      (id, key) => `${id} ${key}`,
      (id, key) => `${id}:${key},${id}:${key}`,
      (id, key) => `${id}:${key.slice(0, 40)}`,
      (id, key) => `${id}:${key},${key}`,
      (id, key) => `${id.toUpperCase()}_:${key}`,
      (id, key) => `${id}:${key}:${key}`,
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,6}$/), damage, (id, spoil) => {
        const key = material();
        const error = thrownBy(() => KeyRing.parse(spoil(id, key)));
        const shown = [inspect(error, { showHidden: true, depth: 9 }), JSON.stringify(error), error?.message].join(
          '\n',
        );
        for (let at = 0; at + 12 <= 40; at += 4) expect(shown).not.toContain(key.slice(at, at + 12));
      }),
    );
  });
});

describe('reading a ring from the environment', () => {
  it('reads TENON_KEYS, or the variable that is named', () => {
    const [first, second] = [KeyRing.generate(), KeyRing.generate()];
    const env = { TENON_KEYS: first.format().reveal(), OTHER: second.format().reveal() };
    expect(KeyRing.fromEnv(env).ids).toEqual(first.ids);
    expect(KeyRing.fromEnv(env, 'OTHER').ids).toEqual(second.ids);
  });

  it('fails closed, naming the variable, when there is no key', () => {
    for (const env of [{}, { TENON_KEYS: undefined }, { TENON_KEYS: '' }, { TENON_KEYS: ' ' }]) {
      const error = thrownBy(() => KeyRing.fromEnv(env));
      expect(error).toMatchObject({ code: 'KEY_RING_EMPTY' });
      expect(error?.message).toContain('TENON_KEYS');
    }
    expect(thrownBy(() => KeyRing.fromEnv({ KEYS: 'nonsense' }, 'KEYS'))?.message).toMatch(/^KEYS: /);
  });
});

describe('the ring of one purpose', () => {
  it('keeps the ids and has keys of its own', () => {
    const ring = KeyRing.generate().rotate();
    const cursors = ring.subring('cursor');
    expect(cursors.ids).toEqual(ring.ids);
    const envelope = seal(ring, 'text', bound);
    expect(codeOf(() => open(cursors, envelope, bound))).toBe('ENVELOPE_REJECTED');
    expect(codeOf(() => open(ring.subring('tokens'), seal(cursors, 'text', bound), bound))).toBe('ENVELOPE_REJECTED');
    expect(codeOf(() => open(cursors.subring('cursor'), seal(cursors, 'text', bound), bound))).toBe(
      'ENVELOPE_REJECTED',
    );
  });

  it('is the same whenever it is derived from the same keys, rotated or not', () => {
    const ring = KeyRing.generate();
    const envelope = seal(ring.subring('cursor'), 'text', bound);
    expect(open(KeyRing.parse(ring.format()).subring('cursor'), envelope, bound)).toEqual(Buffer.from('text'));
    expect(open(ring.rotate().subring('cursor'), envelope, bound)).toEqual(Buffer.from('text'));
  });

  it('refuses to be kept or rotated: what is kept is the ring it came from', () => {
    const cursors = KeyRing.generate().subring('cursor');
    expect(codeOf(() => cursors.format())).toBe('KEY_RING_DERIVED');
    expect(codeOf(() => cursors.rotate())).toBe('KEY_RING_DERIVED');
  });

  it('refuses a purpose that is empty, long, or not printable ASCII', () => {
    const ring = KeyRing.generate();
    for (const purpose of ['', 'a b', 'ü', 'a\n', '\0', 'x'.repeat(129)]) {
      expect(codeOf(() => ring.subring(purpose))).toBe('PURPOSE_INVALID');
    }
    expect(ring.subring('x'.repeat(128)).ids).toEqual(ring.ids);
  });
});

describe('a ring that is printed', () => {
  it('shows its ids and never its keys', () => {
    const ring = KeyRing.generate({ id: 'shown' });
    seal(ring, 'text', bound);
    const key = ring.format().reveal().slice('shown:'.length);
    const raw = Buffer.from(key, 'base64url');
    const views = [
      // oxlint-disable-next-line typescript/no-base-to-string -- what it prints is the question
      String(ring),
      JSON.stringify({ ring }),
      inspect(ring),
      inspect(ring, { showHidden: true, depth: 20, showProxy: true, getters: true }),
      inspect({ nested: [ring] }, { depth: 9, customInspect: false, showHidden: true }),
      format('%s %o %O %j', ring, ring, ring, ring),
      JSON.stringify(Object.entries(ring)),
      inspect(Object.assign({}, ring), { showHidden: true }),
      inspect(structuredClone(ring), { showHidden: true }),
      inspect(new Error('failed', { cause: ring }), { showHidden: true }),
    ].join('\n');
    expect(views).toContain('shown');
    for (const leak of [key, raw.toString('hex'), raw.toString('base64'), raw.toString('latin1')]) {
      expect(views).not.toContain(leak);
    }
    expect(JSON.parse(JSON.stringify(ring))).toEqual({ ids: ['shown'] });
    expect(inspect(ring)).toBe("KeyRing { ids: [ 'shown' ] }");
  });

  it('cannot be read back from its redacted text', () => {
    const text = KeyRing.generate().format().toString();
    expect(codeOf(() => KeyRing.parse(text))).toBe('KEY_RING_INVALID');
    expect(codeOf(() => KeyRing.parse(new Secret('a:b')))).toBe('KEY_RING_INVALID');
  });

  it('cannot be changed', () => {
    const ring = KeyRing.generate();
    expect(Object.isFrozen(ring)).toBe(true);
    const ids = ring.ids as string[];
    ids.push('other');
    expect(ring.ids).toHaveLength(1);
  });
});
