import { CodedError, problemsOf, type InputProblem } from '@tenon/core';
import { describe, expect, it } from 'vitest';

const problem: InputProblem = { path: '/name', code: 'required', message: 'is missing' };

describe('problemsOf', () => {
  it('gives what a validator put into an error', () => {
    const error = new CodedError('INPUT_INVALID', 'no', { details: { problems: [problem] } });
    expect(problemsOf(error)).toEqual([problem]);
  });

  it.each([
    [{}],
    [{ problems: 'many' }],
    [{ problems: ['one'] }],
    [{ problems: [null] }],
    [{ problems: [{ path: 1, code: 'a', message: 'b' }] }],
  ])('gives nothing for an error that carries %j', (details) => {
    expect(problemsOf(new CodedError('INPUT_INVALID', 'no', { details }))).toEqual([]);
  });
});
