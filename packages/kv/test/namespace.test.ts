import { namespace } from '@tenon/kv';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const bytes = Uint8Array.of(1);

describe('a namespace', () => {
  it('keeps its values under its prefix in the store beneath', async () => {
    const store = createMemoryStore();
    const inner = namespace(namespace(store, 'sign-in'), 'acme');
    await inner.set('ann', bytes);
    expect(await store.get('sign-in:acme:ann')).toEqual(bytes);
    expect(await inner.compareAndSet('ann', bytes, Uint8Array.of(2))).toBe(true);
    expect(await inner.setIfAbsent('ann', bytes)).toBe(false);
    expect(await inner.delete('ann')).toBe(true);
    expect(store.entryCount()).toBe(0);
  });

  it('never shares a key with another namespace, whatever the keys are', async () => {
    const prefix = fc.stringMatching(/^[A-Za-z0-9_.-]{1,6}$/);
    const key = fc.oneof(fc.constantFrom('b:c', ':', 'a'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(prefix, prefix, key, key, async (left, right, leftKey, rightKey) => {
        fc.pre(left !== right && !`${leftKey}${rightKey}`.includes('\0'));
        const store = createMemoryStore();
        await namespace(store, left).set(leftKey, bytes);
        expect(await namespace(store, right).get(rightKey)).toBeUndefined();
      }),
    );
  });

  it.each(['', 'a:b', 'a b', 'ä', 'a'.repeat(65), 'a\0'])('refuses the prefix %j', (prefix) => {
    expect(() => namespace(createMemoryStore(), prefix)).toThrow(expect.objectContaining({ code: 'KV_KEY_INVALID' }));
  });

  it('refuses an empty key, and one that is too long together with the prefix', async () => {
    const inner = namespace(createMemoryStore(), 'abc');
    await expect(inner.get('')).rejects.toMatchObject({ code: 'KV_KEY_INVALID' });
    await expect(inner.set('k'.repeat(509), bytes)).rejects.toMatchObject({ code: 'KV_KEY_INVALID' });
    await inner.set('k'.repeat(508), bytes);
  });

  it('closes alone', async () => {
    const store = createMemoryStore();
    const inner = namespace(store, 'abc');
    await inner.set('key', bytes);
    await inner.close();
    await inner.close();
    await expect(inner.get('key')).rejects.toMatchObject({ code: 'KV_CLOSED' });
    expect(await store.get('abc:key')).toEqual(bytes);
  });
});
