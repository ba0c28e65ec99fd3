import {
  canTransition,
  isAvailable,
  isTerminal,
  isTransitional,
  stateTransitions,
  type NextState,
  type ResourceState,
} from '@tenon/resources';
import { describe, expect, expectTypeOf, it } from 'vitest';

const states = Object.keys(stateTransitions) as ResourceState[];

describe('the states of a resource', () => {
  it('are ten, and follow each other as the one table says', () => {
    expect(stateTransitions).toEqual({
      created: ['initializing', 'failed', 'terminated'],
      initializing: ['ready', 'failed'],
      ready: ['in-use', 'idle', 'maintenance', 'draining', 'failed'],
      'in-use': ['ready', 'idle', 'failed'],
      idle: ['in-use', 'ready', 'maintenance', 'draining', 'cleanup', 'failed'],
      maintenance: ['ready', 'failed', 'cleanup'],
      draining: ['cleanup', 'failed'],
      cleanup: ['terminated', 'failed'],
      failed: ['initializing', 'cleanup', 'terminated'],
      terminated: [],
    });
    for (const from of states) {
      const next: readonly ResourceState[] = stateTransitions[from];
      for (const to of states) {
        const stays = from === to && from !== 'terminated';
        expect(canTransition(from, to), `${from} -> ${to}`).toBe(stays || next.includes(to));
      }
    }
  });

  it('end in terminated, which can be reached from everywhere', () => {
    const reached = new Set<ResourceState>(['terminated']);
    for (const _ of states) {
      for (const from of states) if (stateTransitions[from].some((to) => reached.has(to))) reached.add(from);
    }
    expect([...reached].toSorted()).toEqual(states.toSorted());
  });

  it('say what can be done', () => {
    expect(states.filter(isAvailable)).toEqual(['ready', 'in-use', 'idle']);
    expect(states.filter(isTerminal)).toEqual(['failed', 'terminated']);
    expect(states.filter(isTransitional)).toEqual(['initializing', 'draining', 'cleanup']);
  });

  it('are known to the compiler', () => {
    expectTypeOf<NextState<'terminated'>>().toEqualTypeOf<never>();
    expectTypeOf<NextState<'initializing'>>().toEqualTypeOf<'ready' | 'failed'>();
  });
});
