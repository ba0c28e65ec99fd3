import { createSingleFlight } from '@tenon/core';
import { describe, expect, it } from 'vitest';
import { createGates } from './gates.ts';

describe('a single flight', () => {
  it('lets those who want the same at one time share one piece of work, key by key', async () => {
    const gates = createGates();
    const flights = createSingleFlight<string, string>();
    const all = [
      flights.run('a', gates.work('a1')),
      flights.run('a', gates.work('a2')),
      flights.run('b', gates.work('b1')),
    ];
    expect(gates.begun).toEqual(['a1', 'b1']);
    for (const name of ['a1', 'b1']) gates.open(name);
    expect(await Promise.all(all)).toEqual(['a1', 'a1', 'b1']);
  });

  it('keeps nothing: whoever comes when it is over begins anew', async () => {
    const gates = createGates();
    const flights = createSingleFlight<string, string>();
    for (const name of ['first', 'second']) {
      gates.open(name);
      expect(await flights.run('a', gates.work(name))).toBe(name);
    }
  });

  it('fails for all who wait, and for nobody afterwards', async () => {
    const flights = createSingleFlight<string, string>();
    const broken = new Error('broken');
    const all = [1, 2].map(() =>
      flights.run('a', () => {
        throw broken;
      }),
    );
    expect(await Promise.allSettled(all)).toEqual([1, 2].map(() => ({ status: 'rejected', reason: broken })));
    expect(await flights.run('a', async () => 'next')).toBe('next');
  });

  it('begins anew after it was forgotten, while those who waited get what they wait for', async () => {
    const gates = createGates();
    const flights = createSingleFlight<string, string>();
    const before = flights.run('a', gates.work('before'));
    const other = flights.run('b', gates.work('other'));
    flights.forget('a');
    flights.forget('unknown');
    const after = flights.run('a', gates.work('after'));
    gates.open('before');
    expect(await before).toBe('before');
    // The end of the earlier one does not take the later one away.
    const shared = flights.run('a', gates.work('never'));
    for (const name of ['after', 'other']) gates.open(name);
    expect(await Promise.all([after, shared, other])).toEqual(['after', 'after', 'other']);
    expect(gates.begun).toEqual(['before', 'other', 'after']);
  });

  it('tells work whether it was forgotten since it began, from its first line on', async () => {
    const gate = Promise.withResolvers<void>();
    const flights = createSingleFlight<string, boolean>();
    const look = (key: string) => flights.run(key, (flight) => gate.promise.then(() => flight.isForgotten));
    const [forgotten, kept] = [look('a'), look('b')];
    flights.forget('a');
    const again = look('a');
    const itself = flights.run('c', async (flight) => {
      flights.forget('c');
      return flight.isForgotten;
    });
    gate.resolve();
    expect(await Promise.all([forgotten, kept, again, itself])).toEqual([true, false, false, true]);
  });

  it('forgets all at once', async () => {
    const gates = createGates();
    const flights = createSingleFlight<string, string>();
    const before = ['a', 'b'].map((key) => flights.run(key, gates.work(`${key}1`)));
    flights.forgetAll();
    const after = ['a', 'b'].map((key) => flights.run(key, gates.work(`${key}2`)));
    for (const name of ['a1', 'b1', 'a2', 'b2']) gates.open(name);
    expect(await Promise.all([...before, ...after])).toEqual(['a1', 'b1', 'a2', 'b2']);
  });
});
