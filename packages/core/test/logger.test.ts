import { silentLogger, type Logger } from '@tenon/core';
import { describe, expect, it } from 'vitest';

describe('the silent logger', () => {
  it('takes every line and child, and does nothing', () => {
    const logger: Logger = silentLogger.child({ requestId: 'r1' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      expect(logger[level]({ tenant: 'acme' }, 'a line')).toBeUndefined();
    }
    expect(logger.child({})).toBe(silentLogger);
  });
});
