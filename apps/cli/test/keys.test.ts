import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyRing, open, seal } from '@tenon/crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newHome, type Home } from './tenon-process.ts';

describe('tenon keys generate', () => {
  let home: Home;
  beforeEach(() => {
    home = newHome();
  });
  afterEach(() => home.remove());

  it('prints one new key each time, alone on standard output, and writes nothing', async () => {
    const first = await home.tenon(['keys', 'generate']);
    expect(first.code).toBe(0);
    expect(first.stderr).toContain('set TENON_KEYS to it');
    const second = JSON.parse((await home.tenon(['keys', 'generate', '--json'])).stdout) as {
      keys: string;
      ids: string[];
    };
    expect(KeyRing.parse(first.stdout.trim()).ids).toHaveLength(1);
    expect(KeyRing.parse(second.keys).ids).toEqual(second.ids);
    expect(second.keys).not.toBe(first.stdout.trim());
    expect(existsSync(home.dataDir)).toBe(false);
  });

  it('puts a new key before the present ones when it rotates: what they sealed still opens', async () => {
    const present = KeyRing.generate();
    const text = present.format().reveal();
    mkdirSync(home.dataDir);
    writeFileSync(join(home.dataDir, 'keys'), `${text}\n`);
    chmodSync(join(home.dataDir, 'keys'), 0o600);
    const { code, stdout, stderr } = await home.tenon(['keys', 'generate', '--rotate']);
    expect(code).toBe(0);
    expect(stderr).toContain(`write it to "${join('.tenon', 'keys')}"`);
    const rotated = KeyRing.parse(stdout.trim());
    expect(rotated.ids.slice(1)).toEqual(present.ids);
    const sealed = seal(present, Buffer.from('kept'), { associatedData: 'test' });
    expect(Buffer.from(open(rotated, sealed, { associatedData: 'test' })).toString()).toBe('kept');
    expect(readFileSync(join(home.dataDir, 'keys'), 'utf8')).toBe(`${text}\n`);
    // Keys from the settings are rotated as well.
    const env = { TENON_KEYS: rotated.format().reveal() };
    const again = KeyRing.parse((await home.tenon(['keys', 'generate', '--rotate'], { env })).stdout.trim());
    expect(again.ids.slice(1)).toEqual(rotated.ids);
  });

  it('rotates nothing where there are no keys', async () => {
    const { code, stdout, stderr } = await home.tenon(['keys', 'generate', '--rotate']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^KEYS_INVALID: there are no keys: set TENON_KEYS, or start the server once/);
  });
});
