import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const repositoryRoot: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the checks read of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package or an app of the repository. */
export interface Workspace {
  /** Package name, `@tenon/core`. */
  readonly name: string;
  /** Folder relative to the root, with forward slashes: `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Something a check found, with the place to look at. */
export interface Problem {
  /** `packages/core/src/clock.ts` or `packages/core/src/clock.ts:12`, relative to the root. */
  readonly where: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** Reads a `package.json`. @throws when it is missing or not JSON */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Lists the folders that the root's `workspaces` name and that hold a `package.json`, pattern by pattern, sorted. */
export function listWorkspaces(root: string): readonly Workspace[] {
  return (readManifest(root).workspaces ?? [])
    .flatMap((pattern) => globSync(pattern, { cwd: root }).toSorted())
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = readManifest(join(root, folder));
      return { name: manifest.name, folder: toSlashes(folder), manifest };
    });
}

/** Lists TypeScript files below folders, relative to the root, sorted; build output and dependencies are left out. */
export function listSources(root: string, folders: readonly string[]): readonly string[] {
  return folders
    .flatMap((folder) =>
      globSync('**/*.ts', {
        cwd: join(root, folder),
        exclude: (path) => /(^|[\\/])(node_modules|dist|coverage)$/.test(path),
      }).map((file) => toSlashes(join(folder, file))),
    )
    .filter((file) => !file.endsWith('.d.ts'))
    .toSorted();
}

/** A path relative to the root with forward slashes, on any machine. */
export function relativeTo(root: string, file: string): string {
  return toSlashes(relative(root, file));
}

function toSlashes(path: string): string {
  return path.split(sep).join('/');
}

/** Prints the problems of a check, one a line, and sets the exit code when there are any. */
export function reportProblems(problems: readonly Problem[], whenNone: string): void {
  for (const problem of problems) console.error(`${problem.where}: ${problem.message}`);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(whenNone);
}
