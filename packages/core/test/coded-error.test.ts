import { inspect } from 'node:util';
import { CodedError, codeOfFailure, isCodedError, toError } from '@tenon/core';
import { describe, expect, it } from 'vitest';

describe('a coded error', () => {
  it('is an error with a code, a message and safe details', () => {
    const error = new CodedError('PRODUCT_NOT_FOUND', 'product "p1" does not exist', { details: { id: 'p1' } });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      code: 'PRODUCT_NOT_FOUND',
      name: 'PRODUCT_NOT_FOUND',
      message: 'product "p1" does not exist',
      details: { id: 'p1' },
      retryable: false,
      retryAfterMs: undefined,
    });
    expect(String(error)).toBe('PRODUCT_NOT_FOUND: product "p1" does not exist');
    expect(error.stack).toContain('coded-error.test.ts');
  });

  it('carries advice to retry, and the failure beneath', () => {
    const cause = new Error('connection refused');
    const error = new CodedError('DATABASE_DOWN', 'the database is down', {
      cause,
      retryable: true,
      retryAfterMs: 500,
    });
    expect(error).toMatchObject({ retryable: true, retryAfterMs: 500 });
    expect(error.cause).toBe(cause);
    expect(inspect(error)).toContain('connection refused');
  });

  it('has a cause only when one is given', () => {
    expect('cause' in new CodedError('A', 'a')).toBe(false);
    expect('cause' in new CodedError('A', 'a', { cause: null })).toBe(true);
  });

  it('shows neither stack nor cause in JSON', () => {
    const error = new CodedError('A', 'a message', { cause: new Error('inner'), details: { limit: 3 } });
    expect(JSON.parse(JSON.stringify({ error }))).toEqual({
      error: { code: 'A', message: 'a message', retryable: false, details: { limit: 3 } },
    });
  });

  it('keeps the details it was made with, whatever happens to the object they came from', () => {
    const details = { id: 'before' };
    const error = new CodedError('A', 'a', { details });
    details.id = 'after';
    expect(error.details).toEqual({ id: 'before' });
    expect(Object.isFrozen(error.details)).toBe(true);
  });
});

describe('recognising a coded error', () => {
  const error = new CodedError('A', 'a');

  it('works by any code, by one, and by one of several', () => {
    expect(isCodedError(error)).toBe(true);
    expect(isCodedError(error, 'A')).toBe(true);
    expect(isCodedError(error, 'B', 'A')).toBe(true);
    expect(isCodedError(error, 'B')).toBe(false);
  });

  it('works for an error of another copy of the package', () => {
    const foreign = Object.assign(new Error('a'), { code: 'A', [Symbol.for('tenon.coded-error')]: true });
    expect(isCodedError(foreign, 'A')).toBe(true);
  });

  it('is not fooled by what only looks like one', () => {
    const lookalikes = [undefined, null, 'A', 5, {}, new Error('a'), Object.assign(new Error('a'), { code: 'A' })];
    for (const value of lookalikes) expect(isCodedError(value)).toBe(false);
    expect(isCodedError(JSON.parse(JSON.stringify(error)))).toBe(false);
  });
});

describe('a failure in a word', () => {
  it('is its code, or the name of its class, and nothing of its message', () => {
    const failures = [
      [new CodedError('PRODUCT_NOT_FOUND', 'p1'), 'PRODUCT_NOT_FOUND'],
      [new TypeError('p1'), 'TypeError'],
      ['p1', 'Error'],
      [undefined, 'Error'],
    ] as const;
    for (const [thrown, word] of failures) expect(codeOfFailure(thrown)).toBe(word);
  });
});

describe('turning what was thrown into an error', () => {
  it('passes an error through', () => {
    const error = new TypeError('a');
    expect(toError(error)).toBe(error);
  });

  it('makes text the message, and keeps any other value as the cause', () => {
    expect(toError('went wrong').message).toBe('went wrong');
    for (const value of [undefined, null, 5, { status: 500 }]) {
      const error = toError(value);
      expect(error.message).toBe(`a value of type ${typeof value} was thrown`);
      expect(error.cause).toBe(value);
    }
  });
});
