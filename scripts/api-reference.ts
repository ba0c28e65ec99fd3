import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { repositoryRoot } from './workspace.ts';

/** Where the pages go when no other folder is named: beside the references that are written by hand, and not kept in git. */
const defaultFolder = 'docs/reference/api';

/** The source of everything that a package exports, by its `package.json`. */
export function entryPointsOf(packageFolder: string): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  };
  return Object.values(exports).flatMap((target) => {
    const source = typeof target === 'string' ? undefined : target['@tenon/source'];
    return source === undefined ? [] : [join(packageFolder, source)];
  });
}

/** The folders of the packages that people install. */
export function publishedPackages(): readonly string[] {
  const packages = join(repositoryRoot, 'packages');
  return readdirSync(packages).map((name) => join(packages, name));
}

/**
 * Writes a page for everything that packages export, from their doc comments.
 *
 * @param folder - is emptied first
 * @returns the warnings: links that lead nowhere, names that are used and not exported
 */
export async function writeApiReference(packageFolders: readonly string[], folder: string): Promise<readonly string[]> {
  const warnings: string[] = [];
  const options: TypeDocOptions & Partial<PluginOptions> = {
    name: 'Tenon',
    entryPoints: packageFolders.flatMap(entryPointsOf),
    tsconfig: join(repositoryRoot, 'tsconfig.reference.json'),
    plugin: ['typedoc-plugin-markdown'],
    out: folder,
    readme: 'none',
    logLevel: 'Warn',
    excludeInternal: true,
    disableSources: true,
    // The compiler that checks this repository is another one; this one only reads.
    skipErrorChecking: true,
    validation: { notExported: true, invalidLink: true, notDocumented: false },
  };
  const app = await Application.bootstrapWithPlugins(options);
  app.logger.warn = (message: string) => void warnings.push(message);
  app.logger.error = (message: string) => void warnings.push(message);
  const project = await app.convert();
  if (project === undefined) return [...warnings, 'no reference could be made'];
  app.validate(project);
  await app.generateOutputs(project);
  return warnings;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(repositoryRoot, process.argv[2] ?? defaultFolder);
  const warnings = await writeApiReference(publishedPackages(), folder);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  process.stdout.write(`${folder} has a page for everything that ${publishedPackages().length} packages export.\n`);
  if (warnings.length > 0) process.exitCode = 1;
}
