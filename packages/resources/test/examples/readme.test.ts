import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resourceErrorCodes } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (file: string): string => readFileSync(`${root}${file}`, 'utf8');
/** All of the code. */
const sources = globSync('packages/resources/src/**/*.ts', { cwd: root }).toSorted().map(read).join('\n');
const readme = read('packages/resources/README.md');
const troubleshooting = read('docs/how-to/troubleshoot-resources.md');

/** The section under a heading. */
const section = (heading: string): string =>
  readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
/** The rows of the tables of a text whose first column is code, as name and second column. */
const rows = (text: string): readonly (readonly [string, string])[] =>
  [...text.matchAll(/^\| `([^`]+)` *\| *([^|]*?) *\|/gm)].map(([, name = '', next = '']) => [name, next]);
/** What stands in code for a number, and the same as people write it. */
const plain = (value: string): string => value.replaceAll(/[_,`']/g, '');

/** What is in an interface. */
const bodyOf = (name: string): string =>
  new RegExp(`interface ${name}(?: extends \\w+)? \\{\\n([^]*?)\\n\\}`).exec(sources)?.[1] ?? '';

describe('the README', () => {
  it('names every driver, and none that is not there', () => {
    const drivers = Object.keys(packageJson.exports).filter((path) => path.startsWith('./drivers/'));
    const named = [...section('Drivers').matchAll(/`(drivers\/[a-z-]+)`/g)].map(([, name]) => `./${name}`);
    expect(named.toSorted()).toEqual(drivers.toSorted());
  });

  it('tells the default of every option of a pool as the code does', () => {
    const told = new Map(rows(section('Options')));
    const [, config = ''] = /const config: PoolConfig<Instance> = \{([^]*?)\n {2}\};/.exec(sources) ?? [];
    const defaults = [...config.matchAll(/^ {4}(\w+): ([^{\n]+),$/gm)].filter(
      ([, name = '']) => !/clock|logger|random/.test(name),
    );
    expect(defaults.length).toBeGreaterThan(15);
    for (const [, name = '', value = ''] of defaults)
      expect([name, plain(told.get(name) ?? '')]).toEqual([name, plain(value)]);
    const backoff = [...config.matchAll(/(?:initialMs|factor|maxMs|jitter): ([\d_.]+)/g)].map(([, value = '']) =>
      plain(value),
    );
    expect(told.get('createBackoff')?.split(', ').map(plain)).toEqual(backoff);
  });

  it('has every option of resources, of health and of recovery, with its default', () => {
    const options = ['ResourcesOptions', 'HealthOptions', 'RecoveryOptions'].flatMap((name) => [
      ...bodyOf(name).matchAll(/(\/\*\*(?:(?!\/\*\*)[^])*?\*\/)\s+readonly (\w+)\??:/g),
    ]);
    expect(options.length).toBeGreaterThanOrEqual(17);
    const untold = options.filter(([, comment = '', option = '']) => {
      const [, value = ''] = /Default:? ([\d,]*\d)/.exec(comment) ?? [];
      // In a table, or in a sentence.
      return !new RegExp(`\`${option}\` *\\|? *${value}(?![\\d,]*\\d)`).test(section('Options'));
    });
    expect(untold.map(([, , option]) => option)).toEqual([]);
  });

  it('has every strategy', () => {
    const [, union = ''] = /type PoolStrategy = ([^;]+);/.exec(sources) ?? [];
    expect(rows(section('Pool strategies')).map(([name]) => name)).toEqual(
      [...union.matchAll(/'(\w+)'/g)].map(([, name]) => name),
    );
  });

  it('has every metric', () => {
    const metrics = [...sources.matchAll(/['"](resource_[a-z_]+)['"],\s/g)].map(([, name = '']) => name);
    expect(metrics.length).toBeGreaterThan(8);
    expect(metrics.filter((name) => name !== 'resource_type' && !section('Figures').includes(`\`${name}\``))).toEqual(
      [],
    );
  });

  it('leads to every page about resources', () => {
    const pages = globSync('docs/**/*resource*.md', { cwd: root });
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.filter((page) => !readme.includes(`(../../${page})`))).toEqual([]);
  });
});

describe('the page about troubleshooting', () => {
  it('explains every error, and none that is not there', () => {
    const codes = rows(troubleshooting)
      .map(([code]) => code)
      .filter((code) => /^[A-Z_]+$/.test(code));
    expect(codes.toSorted()).toEqual([...resourceErrorCodes].toSorted());
  });
});
