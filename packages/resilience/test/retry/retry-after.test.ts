import { parseRetryAfter } from '@tenon/resilience';
import { describe, expect, it } from 'vitest';

const now = Date.UTC(2026, 0, 1);

describe('the header Retry-After', () => {
  it.each([
    ['seconds', '120', 120_000],
    ['none at all', '0', 0],
    ['spaces around', ' 5 ', 5_000],
    ['a date', 'Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['a date of the past', 'Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['an empty text', '', undefined],
    ['a fraction', '1.5', undefined],
    ['a negative number', '-5', undefined],
    ['a word', 'soon', undefined],
    ['a date that is none', 'Thursday next week', undefined],
  ])('with %s', (_, header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
