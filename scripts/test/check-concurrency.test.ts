import { describe, expect, it } from 'vitest';
import { checkConcurrency } from '../check-concurrency.ts';
import { writeRepository } from './repository-fixture.ts';

const linter = {
  rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '^(async-mutex|p-limit)(/|$)' }] }] },
};

function check(files: Readonly<Record<string, unknown>>, exempt: Readonly<Record<string, string>> = {}) {
  const kv = { 'packages/kv/package.json': { name: '@tenon/kv' } };
  const root = writeRepository({ ...kv, '.oxlintrc.json': linter, ...files });
  return checkConcurrency(root, exempt).map(({ where, message }) => `${where} ${message}`);
}

const findIn = (text: string) => check({ 'packages/kv/src/a.ts': text });

const map = 'const loads = new Map<string, Promise<number>>();\n';

describe('checkConcurrency', () => {
  it.each([
    ['a map of promises', map, 1],
    ['one of promises that may be missing', 'let a: Map<object, Promise<void> | undefined>;\n', 1],
    ['one that others only read', 'class A {\n  readonly #a: ReadonlyMap<string, Promise<void>> = make();\n}\n', 2],
    ['a weak one', 'const a = new WeakMap<object, PromiseWithResolvers<void>>();\n', 1],
  ])('finds %s', (_, text, line) => {
    expect(findIn(text)).toEqual([
      `packages/kv/src/a.ts:${line} keeps promises by key: use a single flight or a mutex by key of @tenon/core`,
    ]);
  });

  it.each([
    ['a tail', 'let tail = Promise.resolve();\ntail = tail.then(work);\n', 2],
    ['a tail that takes no notice of failures', 'tail = tail.catch(() => undefined).then(work);\n', 1],
    ['a tail of a class', 'class A {\n  add() {\n    this.#tail = this.#tail.then(() => work());\n  }\n}\n', 3],
    ['a tail of something else', 'managed.changing = managed.changing.finally(work);\n', 1],
    [
      'a tail by way of a constant',
      'function add(one: A) {\n  const mine = one.tail.then(work);\n  one.tail = mine;\n  return mine;\n}\n',
      3,
    ],
  ])('finds %s', (_, text, line) => {
    expect(findIn(text)).toEqual([`packages/kv/src/a.ts:${line} chains promises by hand: use a mutex of @tenon/core`]);
  });

  it('finds a slot that is emptied by what is in it', () => {
    const emptied = 'loading ??= load().finally(() => {\n  loading = undefined;\n});\n';
    expect(findIn(emptied)).toEqual(['packages/kv/src/a.ts:1 shares work by hand: use a single flight of @tenon/core']);
    expect(findIn('this.#a ??= go().finally(() => (this.#a = undefined));\n')).toHaveLength(1);
  });

  it('lets be what neither queues nor shares', () => {
    const text = [
      'const values = new Map<string, number>();',
      'const work = new Map<string, () => Promise<void>>();',
      'closing ??= close().then(() => release());',
      'opened ??= open().catch((error) => {\n  opened = undefined;\n  throw error;\n});',
      'next = other.then(work);',
      'const loaded = load().finally(() => (waiting = undefined));',
    ];
    expect(findIn(text.join('\n'))).toEqual([]);
  });

  it('lets the module itself be, and tests', () => {
    const files = {
      'packages/core/package.json': { name: '@tenon/core' },
      'packages/core/src/concurrency/single-flight.ts': map,
      'packages/kv/test/a.test.ts': map,
    };
    expect(check(files)).toEqual([]);
    expect(check({ ...files, 'packages/core/src/clock.ts': map })).toHaveLength(1);
  });

  it('exempts a file with a reason, and says when it needs that no longer', () => {
    const exempt = { 'packages/kv/src/a.ts': 'why' };
    expect(check({ 'packages/kv/src/a.ts': map }, exempt)).toEqual([]);
    const idle = 'packages/kv/src/a.ts is exempt (why) and waits for nothing by hand';
    expect(check({ 'packages/kv/src/a.ts': 'export {};\n' }, exempt)).toEqual([idle]);
    expect(check({}, exempt)).toEqual([idle]);
  });

  it.each(['dependencies', 'devDependencies', 'peerDependencies'])(
    'refuses a package of locks among the %s, of the repository and of each package',
    (kind) => {
      const declaring = (name: string) => ({ name: 'any', workspaces: ['packages/*'], [kind]: { [name]: '1.0.0' } });
      expect(check({ 'package.json': declaring('p-limit') })).toEqual([
        'package.json declares "p-limit": use packages/core/src/concurrency/ instead',
      ]);
      expect(check({ 'packages/kv/package.json': declaring('async-mutex') })).toEqual([
        'packages/kv/package.json declares "async-mutex": use packages/core/src/concurrency/ instead',
      ]);
      expect(check({ 'packages/kv/package.json': declaring('pg') })).toEqual([]);
    },
  );
});
