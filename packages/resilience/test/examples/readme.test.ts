import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resilienceErrorCodes, strategyOrder } from '@tenon/resilience';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(`${folder}${file}`, 'utf8');
const readme = read('README.md');
const sources = globSync('src/**/*.ts', { cwd: folder }).map(read).join('\n');

/** What stands in code in the first column of a section's table, with the rest of its line. */
function rows(heading: string): readonly (readonly [name: string, rest: string])[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` +\|(.*)$/gm)].map(([, name = '', rest = '']) => [name, rest]);
}

describe('the README', () => {
  it('explains every error', () => {
    expect(rows('Errors').map(([code]) => code)).toEqual([...resilienceErrorCodes]);
  });

  it('lists the strategies in their order', () => {
    const kinds = rows('Strategies').map(([name]) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    expect(kinds).toEqual([...new Set(strategyOrder)]);
  });

  it('tells the defaults that the code has', () => {
    const told = rows('Strategies').flatMap(([strategy, rest]) =>
      [...rest.matchAll(/`([a-zA-Z]+)` ([\d.,]*\d)/g)].map(([, option = '', value = '']) => {
        const written = new RegExp(
          `options\\.${option} \\?\\? (?:Math\\.max\\(openMs, )?([\\d._]+)|window\\.${option} \\?\\? ([\\d._]+)`,
        ).exec(
          sources
            .split('checkNumber(')
            .find((part) => part.startsWith(`'${strategy}.`) && part.includes(`.${option}'`)) ?? '',
        );
        return [
          `${strategy}.${option}`,
          Number(value.replaceAll(',', '')),
          Number((written?.[1] ?? written?.[2] ?? '').replaceAll('_', '')),
        ] as const;
      }),
    );
    expect(told.length).toBeGreaterThan(12);
    expect(told.filter(([, inReadme, inCode]) => inReadme !== inCode)).toEqual([]);
  });

  it('names every metric, and none that is not there', () => {
    const named = (text: string) => new Set(text.match(/resilience_[a-z_]+/g));
    expect(named(readme)).toEqual(named(sources));
  });
});
