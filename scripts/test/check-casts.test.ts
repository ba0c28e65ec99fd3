import { describe, expect, it } from 'vitest';
import { checkCasts } from '../check-casts.ts';
import { writeRepository } from './repository-fixture.ts';

const kv = { 'packages/kv/package.json': { name: '@tenon/kv' } };

function check(files: Readonly<Record<string, string>>, exempt: Readonly<Record<string, string>> = {}) {
  return checkCasts(writeRepository({ ...kv, ...files }), exempt).map(({ where, message }) => `${where} ${message}`);
}

describe('checkCasts', () => {
  const cast = 'const a = 1;\nexport const b = (a as unknown) as string;\nexport const c = a as unknown as Date;\n';

  it('finds each cast through unknown in a source, and names its line', () => {
    expect(check({ 'packages/kv/src/a.ts': 'export const c =\n  1 as unknown as Date;\n' })).toEqual([
      'packages/kv/src/a.ts:2 casts through unknown: give the value the right type',
    ]);
    expect(check({ 'packages/kv/src/a.ts': cast })).toHaveLength(2);
  });

  it('lets single casts be, and tests, which hand over wrong values on purpose', () => {
    const files = {
      'packages/kv/src/a.ts': 'export const a = JSON.parse("1") as unknown;\nexport const b = a as number;\n',
      'packages/kv/test/a.test.ts': cast,
    };
    expect(check(files)).toEqual([]);
  });

  it('exempts a file with a reason, and says when it needs that no longer', () => {
    const exempt = { 'packages/kv/src/a.ts': 'why' };
    expect(check({ 'packages/kv/src/a.ts': cast }, exempt)).toEqual([]);
    expect(check({ 'packages/kv/src/a.ts': 'export {};\n' }, exempt)).toEqual([
      'packages/kv/src/a.ts is exempt (why) and casts nothing through unknown',
    ]);
  });
});
