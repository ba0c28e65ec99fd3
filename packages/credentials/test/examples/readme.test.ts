import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { builtInKinds, credentialErrorCodes } from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const folder = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(`${folder}${file}`, 'utf8');
const readme = read('README.md');

/** The section under a heading. */
function section(heading: string): string {
  return readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
}

/** What stands in code in the first column of a section's tables. */
function names(heading: string): readonly string[] {
  return [...section(heading).matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
}

/** The lines between the first that begins so and the last that does. */
function lines(text: string, ...beginnings: readonly string[]): readonly string[] {
  const all = text.split('\n').map((line) => line.trim());
  return beginnings.map((beginning) => all.find((line) => line.startsWith(beginning)) ?? `no ${beginning}`);
}

describe('the README', () => {
  it('begins with the three lines that are tested', () => {
    const start = ['const vault = ', 'await vault.store(', 'const github = '] as const;
    expect(lines(readme, ...start)).toEqual(lines(read('test/success-criteria/sc-001-three-lines.test.ts'), ...start));
    expect(lines(readme, ...start).join('\n')).not.toContain('no ');
  });

  it('explains every error', () => {
    expect(names('Errors')).toEqual(credentialErrorCodes);
  });

  it('lists every kind', () => {
    expect(names('Kinds')).toEqual(builtInKinds.map(({ definition }) => definition.name));
  });

  it('names every driver, and none that is not there', () => {
    const drivers = Object.keys(packageJson.exports).filter((path) => path.startsWith('./drivers/'));
    const named = [...readme.matchAll(/`(drivers\/[a-z-]+)`/g)].map(([, driver]) => `./${driver}`);
    expect([...new Set(named)].toSorted()).toEqual(drivers.toSorted());
  });

  it.each(['beforeExpiryMs', 'timeoutMs', 'lateMs', 'claimTtlMs', 'heartbeatMs', 'graceMs', 'concurrency'])(
    'tells what %s is by default as the code does',
    (option) => {
      const told = new RegExp(`^\\| ([\\d]+)( s| min)? \`${option}\``, 'm').exec(section('Refresh'));
      const unit = { ' s': 1_000, ' min': 60_000 }[told?.[2] ?? ''] ?? 1;
      const settings = read('src/refresh/refresh-settings.ts');
      const [, set = ''] = new RegExp(`${option}: options\\.${option} \\?\\? ([\\d_]+)`).exec(settings) ?? [];
      expect(Number(told?.[1]) * unit).toBe(Number(set.replaceAll('_', '')));
    },
  );

  it('leads to every page about credentials', () => {
    const pages = globSync('docs/**/*{credential,vault}*.md', { cwd: `${folder}../../` });
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.filter((page) => !readme.includes(`(../../${page})`))).toEqual([]);
  });
});
