import { createIdGenerator, idTime, isUuid, newId } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from './code-of.ts';

// RFC 9562, section 5.7: version 7 in bits 48 to 51, variant 10 in bits 64 and 65.
const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Fills with the same byte always. */
const fillWith = (byte: number) => (bytes: Uint8Array) => void bytes.fill(byte);

describe('an id', () => {
  it('has the bits of a version 7 UUID', () => {
    for (const byte of [0x00, 0xff, 0x55]) {
      const make = createIdGenerator({ fillRandom: fillWith(byte) });
      expect(make()).toMatch(VERSION_7);
    }
    expect(Array.from({ length: 1000 }, newId).every((id) => VERSION_7.test(id) && isUuid(id))).toBe(true);
  });

  it('begins with the time in 48 bits', () => {
    // The example of RFC 9562, appendix A.6: 2022-02-22T14:22:22-05:00.
    const clock = createTestClock(Date.parse('2022-02-22T14:22:22-05:00'));
    expect(createIdGenerator({ clock })().slice(0, 14)).toBe('017f22e2-79b0-');
    expect(createIdGenerator({ clock: createTestClock(0) })()).toMatch(/^00000000-0000-7/);
    expect(createIdGenerator({ clock: createTestClock(2 ** 48 - 1) })()).toMatch(/^ffffffff-ffff-7/);
  });

  it('takes whole milliseconds from a clock that has finer ones', async () => {
    const clock = createTestClock(1_000);
    await clock.advance(0.75);
    const id = createIdGenerator({ clock })();
    expect(id).toMatch(VERSION_7);
    expect(idTime(id)).toBe(1_000);
  });

  it('is as random as the given generator, in 62 bits of its own beside the counter', () => {
    const clock = createTestClock(0);
    expect(createIdGenerator({ clock, fillRandom: fillWith(0x00) })()).toBe('00000000-0000-7000-8000-000000000000');
    expect(createIdGenerator({ clock, fillRandom: fillWith(0xff) })()).toBe('00000000-0000-77ff-bfff-ffffffffffff');
    // Ten different bytes: eight end the id, two start the counter, and none stands twice.
    const counting = (bytes: Uint8Array): void => bytes.set([0, 1, 2, 3, 4, 5, 6, 7, 0xfd, 9]);
    expect(createIdGenerator({ clock, fillRandom: counting })()).toBe('00000000-0000-7509-8001-020304050607');
  });

  it('asks for randomness once for hundreds of ids, and uses none of it twice', () => {
    let fills = 0;
    const fillRandom = (bytes: Uint8Array): void => {
      fills += 1;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at + 4 <= bytes.length; at += 2) view.setUint16(at, (fills << 12) | (at >> 1));
    };
    const make = createIdGenerator({ fillRandom });
    const tails = Array.from({ length: 1000 }, () => make().slice(19));
    expect(fills).toBe(3);
    expect(new Set(tails).size).toBe(1000);
  });
});

describe('the ids of one generator', () => {
  it('are strictly increasing, whatever the clock does', () => {
    const moves = fc.array(fc.oneof(fc.integer({ min: -10_000, max: 10_000 }), fc.constant(0)), {
      minLength: 2,
      maxLength: 300,
    });
    fc.assert(
      fc.property(moves, (steps) => {
        const clock = createTestClock();
        const make = createIdGenerator({ clock });
        const ids = steps.map((step) => {
          clock.setNow(clock.now() + step);
          return make();
        });
        expect(ids.every((id) => VERSION_7.test(id))).toBe(true);
        expect(ids.slice(1).every((id, index) => id > (ids[index] ?? ''))).toBe(true);
      }),
    );
  });

  it('stay strictly increasing when one millisecond has more than the counter holds', () => {
    const clock = createTestClock();
    const make = createIdGenerator({ clock, fillRandom: fillWith(0xff) });
    const ids = Array.from({ length: 3 * 4096 }, make);
    expect(ids.slice(1).every((id, index) => id > (ids[index] ?? ''))).toBe(true);
    // The counter starts at 0x7ff: 2,049 ids are of this millisecond, then each borrowed one has 4,096.
    expect(ids.map(idTime).filter((time) => time === clock.now())).toHaveLength(2049);
    expect(Math.max(...ids.map(idTime)) - clock.now()).toBe(3);
  });

  it('carry the new time again once the clock has passed what was borrowed', async () => {
    const clock = createTestClock();
    const make = createIdGenerator({ clock });
    const first = make();
    clock.setNow(clock.now() - 60_000);
    expect(idTime(make())).toBe(idTime(first));
    await clock.advance(60_001);
    expect(idTime(make())).toBe(clock.now());
  });

  it('differ from those of another generator in the same millisecond', () => {
    const clock = createTestClock();
    const generators = Array.from({ length: 50 }, () => createIdGenerator({ clock }));
    const ids = generators.flatMap((make) => Array.from({ length: 40 }, make));
    expect(new Set(ids).size).toBe(2000);
  });

  it('use the clock of the machine by default', () => {
    expect(Math.abs(idTime(newId()) - Date.now())).toBeLessThan(1_000);
    expect(Math.abs(idTime(createIdGenerator()()) - Date.now())).toBeLessThan(1_000);
  });
});

describe('reading an id', () => {
  it('gives back the time that it was made', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (time) => {
        expect(idTime(createIdGenerator({ clock: createTestClock(time) })())).toBe(time);
      }),
    );
  });

  it('is refused for anything but a version 7 UUID', () => {
    const id = newId();
    const version4 = `${id.slice(0, 14)}4${id.slice(15)}`;
    expect(isUuid(version4)).toBe(true);
    for (const text of ['', 'nonsense', version4, id.toUpperCase(), `${id} `, id.replaceAll('-', ''), `{${id}}`]) {
      expect(codeOf(() => idTime(text))).toBe('ID_INVALID');
    }
  });

  it('recognises canonical lower case UUIDs of every version, and nothing else', () => {
    for (const version of '12345678') expect(isUuid(`00000000-0000-${version}000-8000-000000000000`)).toBe(true);
    const wrong = [
      '',
      '00000000-0000-0000-0000-000000000000',
      '00000000-0000-9000-8000-000000000000',
      '00000000-0000-7000-7000-000000000000',
      '00000000-0000-7000-c000-000000000000',
      '00000000-0000-7000-8000-00000000000',
      '00000000-0000-7000-8000-0000000000000',
      '00000000-0000-7000-8000-00000000000g',
      '00000000-0000-7000-8000-00000000000A',
      '00000000-0000-7000-8000-000000000000\n',
      '00000000000070008000000000000000',
    ];
    expect(wrong.filter((text) => isUuid(text))).toEqual([]);
  });
});
