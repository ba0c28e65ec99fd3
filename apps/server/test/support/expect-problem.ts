import { STATUS_CODES } from 'node:http';
import { expect } from 'vitest';
import type { Problem } from './client.ts';

// Fragments of stacks, SQL and the inside of the program.
const INSIDE =
  /\bat \S+ \(|node_modules|\.ts:\d|\b(select|insert|update|delete) .*\b(from|into|set|where)\b|SQLSTATE|violates|relation "|PGlite|kysely/i;

/** Checks that an answer is a problem document that tells what the caller needs, and nothing about the inside. */
export function expectProblem(
  answer: { readonly status: number; readonly headers: Headers; readonly text: string },
  status: number,
  code: string,
): Problem {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const problem = JSON.parse(answer.text) as Problem;
  expect(problem).toMatchObject({
    type: `urn:tenon:error:${code}`,
    title: STATUS_CODES[status],
    status,
    detail: expect.stringMatching(/\S/),
    code,
    retryable: status === 429 || status === 503,
  });
  expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.headers.get('x-request-id')).toBe(problem.requestId);
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(answer.text).not.toMatch(INSIDE);
  return problem;
}
