/* oxlint-disable typescript/no-unnecessary-template-expression, typescript/no-unnecessary-type-conversion -- the `text` here is a secret in disguise: whether such conversions are harmless is the question */
import assert from 'node:assert';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { CodedError, isSecret, REDACTED, Secret } from '@tenon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, thrownBy } from './code-of.ts';

// The prefix keeps a short secret from being a part of the words around it by chance.
const secretText = fc
  .oneof(fc.string({ minLength: 6, maxLength: 40 }), fc.string({ minLength: 6, maxLength: 40, unit: 'binary' }))
  .filter((text) => !text.includes(REDACTED))
  .map((text) => `q7-${text}`);

/** A value typed as whatever the call needs: these are the mistakes that the type checker would not let us write. */
const careless = (value: unknown): never => value as never;

/** Everything that a conversion of the secret by itself gives. */
function conversions(secret: Secret): unknown[] {
  const text: string = careless(secret);
  return [
    String(secret),
    `${text}`,
    text + '',
    '' + text,
    Number(secret),
    secret.toString(),
    secret.toLocaleString(),
    secret.valueOf(),
    secret[Symbol.toPrimitive](),
    Object.prototype.toString.call(secret),
    [secret].join(),
    String.raw`a ${text} b`,
    Symbol(text).toString(),
    'a b'.replace('b', text),
    encodeURIComponent(text),
    new URLSearchParams({ key: text }).toString(),
    new URL(`postgres://user:${text}@localhost/db`).href,
    Buffer.from(text).toString(),
    new Date(text),
  ];
}

/** Everything that serializing, copying or walking the secret gives. */
function copies(secret: Secret): unknown[] {
  const names = Reflect.ownKeys(secret);
  return [
    JSON.stringify(secret),
    JSON.stringify({ deep: [{ secret }] }, undefined, 2),
    JSON.stringify(secret, (_, value: unknown) => value),
    structuredClone(secret),
    structuredClone({ secret }),
    deserialize(serialize({ secret })),
    Object.assign({}, secret),
    Object.fromEntries(Object.entries(secret)),
    Object.keys(secret),
    Object.values(secret),
    names,
    names.map((name) => Reflect.get(secret, name)),
    Object.getOwnPropertyDescriptors(secret),
    Object.getOwnPropertyDescriptors(Object.getPrototypeOf(secret)),
  ];
}

/** Everything that inspecting the secret prints, alone and inside other values. */
function inspections(secret: Secret): string[] {
  const full = { showHidden: true, depth: 20, showProxy: true, getters: true } as const;
  const holders = [
    secret,
    { secret },
    [[secret]],
    new Map([[secret, secret]]),
    new Set([secret]),
    new Proxy(secret, {}),
    Promise.resolve(secret),
    Object.create(secret) as unknown,
    new Error('failed', { cause: secret }),
    new AggregateError([secret], `failed with ${String(secret)}`),
    new CodedError('A', `failed with ${String(secret)}`, { cause: secret, details: { secret: careless(secret) } }),
  ];
  return holders.flatMap((holder) => [
    inspect(holder),
    inspect(holder, full),
    inspect(holder, { ...full, customInspect: false }),
    format('%s %o %O', holder, holder, holder),
    format('%s %d %i %f %j %o %O %c %%', secret, secret, secret, secret, secret, secret, secret, secret),
    format(holder, secret),
  ]);
}

/** Everything that the console writes about the secret. */
function printed(secret: Secret): string {
  let written = '';
  const stream = new Writable({
    write(chunk, _, done) {
      written += String(chunk);
      done();
    },
  });
  const terminal = new Console(stream, stream);
  terminal.log(secret, { secret }, '%s', secret);
  terminal.log('%o %O %j %s %d', secret, secret, secret, secret, secret);
  terminal.error(new Error(String(secret), { cause: secret }));
  terminal.dir(secret, { showHidden: true });
  terminal.table([{ secret }]);
  terminal.trace(secret);
  terminal.assert(false, secret);
  return written;
}

function errorTexts(secret: Secret): unknown[] {
  const error = new CodedError('A', `for ${String(secret)}`, { cause: secret, details: { at: careless(secret) } });
  const comparison = thrown(() => assert.deepStrictEqual({ secret }, { secret: 'other' }));
  const equality = thrown(() => assert.strictEqual(secret, 'other'));
  const destructured = thrown(() => (secret as unknown as { missing: () => void }).missing());
  return [error, comparison, equality, destructured].flatMap((each) => [
    each.message,
    each.stack,
    String(each),
    JSON.stringify(each),
  ]);
}

function thrown(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** The forms in which a value could hide in text. */
function disguises(value: string): string[] {
  const bytes = Buffer.from(value);
  const encodings = ['hex', 'base64', 'base64url', 'latin1'] as const;
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    inspect(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
    ...encodings.map((encoding) => bytes.toString(encoding).replace(/=+$/, '')),
  ];
}

describe('a secret', () => {
  it('property 22: a secret never shows when printed or logged', () => {
    fc.assert(
      fc.property(secretText, (value) => {
        const secret = new Secret(value);
        const shown = [...conversions(secret), ...copies(secret), ...inspections(secret), ...errorTexts(secret)]
          .map((output) =>
            typeof output === 'string'
              ? output
              : inspect(output, { showHidden: true, depth: 20, customInspect: false }),
          )
          .concat(printed(secret))
          .join('\n');
        expect(shown).toContain(REDACTED);
        expect(disguises(value).filter((disguise) => shown.includes(disguise))).toEqual([]);
        expect(secret.reveal()).toBe(value);
      }),
    );
  });

  it('is found by the checks of that property when it does show', () => {
    const leaks = { plain: 'q7-leaked', hex: Buffer.from('q7-leaked').toString('hex') };
    const found = disguises('q7-leaked').filter((disguise) => inspect(leaks).includes(disguise));
    expect(found).toContain('q7-leaked');
    expect(found).toContain(leaks.hex);
  });

  it('prints as its redaction in each everyday way', () => {
    const secret = new Secret('correct horse');
    const text: string = careless(secret);
    expect(`${text}`).toBe('[secret]');
    expect('a' + text).toBe('a[secret]');
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
    expect(inspect({ secret })).toBe('{ secret: [secret] }');
    expect(inspect(secret, { showHidden: true })).toBe('[secret]');
    expect(format('%s %j %o', secret, secret, secret)).toBe('[secret] "[secret]" [secret]');
    expect(structuredClone(secret)).toEqual({});
    expect(Object.entries(secret)).toEqual([]);
  });

  it('cannot be changed', () => {
    const secret = new Secret('correct horse');
    expect(Object.isFrozen(secret)).toBe(true);
    expect(() => Object.assign(secret, { reveal: () => 'other' })).toThrow(TypeError);
    expect(secret.reveal()).toBe('correct horse');
  });

  it('may be empty', () => {
    expect(new Secret('').reveal()).toBe('');
  });
});

describe('a redaction that is read back', () => {
  it('is refused, alone and inside other text', () => {
    for (const text of [REDACTED, `postgres://user:${REDACTED}@localhost`, ` ${REDACTED}\n`]) {
      expect(codeOf(() => new Secret(text))).toBe('SECRET_REDACTED');
    }
    const secret = new Secret('correct horse');
    expect(codeOf(() => new Secret(String(secret)))).toBe('SECRET_REDACTED');
    expect(codeOf(() => new Secret(JSON.parse(JSON.stringify(secret)) as string))).toBe('SECRET_REDACTED');
    expect(thrownBy(() => new Secret(`top-${REDACTED}`))?.message).not.toContain('top-');
  });
});

describe('comparing secrets', () => {
  it('agrees with plain comparison, for secrets and for text', () => {
    fc.assert(
      fc.property(secretText, secretText, (left, right) => {
        expect(new Secret(left).equals(new Secret(left))).toBe(true);
        expect(new Secret(left).equals(left)).toBe(true);
        expect(new Secret(left).equals(new Secret(right))).toBe(left === right);
        expect(new Secret(left).equals(right)).toBe(left === right);
      }),
    );
  });

  it('tells a lone surrogate from the character that stands in for it', () => {
    expect(new Secret('a\uD800').equals('a\uFFFD')).toBe(false);
    expect(new Secret('a\uD800').equals('a\uD800')).toBe(true);
  });
});

describe('recognising a secret', () => {
  it('works for one of another copy of the package', () => {
    expect(isSecret(new Secret('a'))).toBe(true);
    expect(isSecret({ [Symbol.for('tenon.secret')]: true, reveal: () => 'a' })).toBe(true);
  });

  it('is not fooled by what only looks like one', () => {
    for (const value of [undefined, null, 'a', REDACTED, {}, { reveal: () => 'a' }, structuredClone(new Secret('a'))]) {
      expect(isSecret(value)).toBe(false);
    }
  });
});
