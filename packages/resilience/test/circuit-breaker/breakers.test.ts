import { createTestClock } from '@tenon/core/testing';
import { breakers } from '@tenon/resilience';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';

const fail = () => Promise.reject(new Error('down'));

describe('breakers', () => {
  it('gives each dependency a breaker of its own, and always the same one', async () => {
    const registry = breakers({ clock: createTestClock(), failures: 1 });
    await failureOf(registry.for('a').run(fail));
    expect([registry.for('a').state, registry.for('b').state]).toEqual(['open', 'closed']);
    expect(registry.for('a')).toBe(registry.for('a'));
    expect(registry.size).toBe(2);
  });

  it('names the dependency in messages and events', async () => {
    const events: unknown[] = [];
    const registry = breakers({
      name: 'hooks',
      clock: createTestClock(),
      failures: 1,
      onEvent: (one) => events.push(one),
    });
    await failureOf(registry.for('a').run(fail));
    expect(await failureOf(registry.for('a').run(fail))).toMatchObject({ details: { name: 'a' } });
    expect(events[0]).toEqual({ type: 'circuit-opened', name: 'a' });
  });

  it('keeps as many as it is told, and lets the least recently used one go', () => {
    const registry = breakers({ max: 3 });
    for (const name of ['a', 'b', 'c', 'a', 'd']) registry.for(name);
    expect(registry.names()).toEqual(['c', 'a', 'd']);
  });

  it('keeps a thousand by default', () => {
    const registry = breakers();
    for (let index = 0; index < 1_500; index += 1) registry.for(`host-${index}`);
    expect(registry.size).toBe(1_000);
    expect(registry.names()[0]).toBe('host-500');
  });

  it('rather lets a closed one go than one that protects something', async () => {
    const registry = breakers({ clock: createTestClock(), max: 2, failures: 1 });
    await failureOf(registry.for('down').run(fail));
    registry.for('up');
    registry.for('new');
    expect(registry.names()).toEqual(['down', 'new']);
    await failureOf(registry.for('new').run(fail));
    registry.for('newer');
    expect(registry.names()).toEqual(['new', 'newer']);
  });

  it('forgets one when it is told', async () => {
    const registry = breakers({ clock: createTestClock(), failures: 1 });
    await failureOf(registry.for('a').run(fail));
    expect([registry.delete('a'), registry.delete('a')]).toEqual([true, false]);
    expect(await codeOf(registry.for('a').run(fail))).toBe('Error: down');
  });

  it('refuses wrong options when it is made', () => {
    const invalid = expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID' });
    expect(() => breakers({ max: 0 })).toThrow(invalid);
    expect(() => breakers({ failures: 0 })).toThrow(invalid);
  });
});
