import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';
import { checkArchitecture } from './architecture-table.ts';
import * as boundaries from './boundaries.ts';
import { findCircles } from './circles.ts';
import { listImports, type ImportReference } from './imports.ts';
import {
  listSources,
  listWorkspaces,
  readManifest,
  reportProblems,
  repositoryRoot,
  type Manifest,
  type Problem,
  type Workspace,
} from './workspace.ts';

/** What {@link checkBoundaries} takes. */
export interface BoundaryOptions {
  /** The repository to check. */
  readonly root: string;
  /** Who may import whom, by folder name. Default: the table in `boundaries.ts`. */
  readonly arrows?: Readonly<Record<string, readonly string[]>>;
  /** Whom tests may import besides. Default: the table in `boundaries.ts`. */
  readonly testArrows?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Files outside the packages that tests may import. Default: the list in `boundaries.ts`. */
  readonly sharedFiles?: Readonly<Record<string, string>>;
}

interface Repository extends Required<Omit<BoundaryOptions, 'root'>> {
  readonly workspaces: readonly Workspace[];
  readonly rootManifest: Manifest;
}

/** The place a file belongs to: a workspace, or a folder of the root such as `scripts`. */
interface Area {
  readonly folder: string;
  readonly workspace: Workspace | undefined;
}

const rootFolders = ['scripts', 'bench'];

/**
 * Checks the rings: every import of every TypeScript file against the table of arrows, the `exports` map of the package it
 * names, and the dependencies its own package declares; and that no files import each other in a circle.
 */
export function checkBoundaries(options: BoundaryOptions): readonly Problem[] {
  const repository: Repository = {
    arrows: options.arrows ?? boundaries.arrows,
    testArrows: options.testArrows ?? boundaries.testArrows,
    sharedFiles: options.sharedFiles ?? boundaries.sharedFiles,
    workspaces: listWorkspaces(options.root),
    rootManifest: readManifest(options.root),
  };
  const problems = [
    ...checkTable(repository),
    ...repository.workspaces.flatMap((one) => checkManifest(repository, one)),
  ];
  const graph = new Map<string, readonly string[]>();
  for (const area of listAreas(options.root, repository)) {
    for (const file of listSources(options.root, [area.folder])) {
      const imports = listImports(file, readFileSync(join(options.root, file), 'utf8'));
      graph.set(file, loadedFiles(file, imports));
      for (const reference of imports) {
        const message = checkImport(repository, area, file, reference);
        if (message !== undefined) problems.push({ where: `${file}:${reference.line}`, message });
      }
    }
  }
  for (const circle of findCircles(graph)) {
    problems.push({
      where: circle[0] ?? '',
      message: `import circle ${[...circle, circle[0]].join(' -> ')}: move what both need into a file of its own`,
    });
  }
  return problems;
}

function listAreas(root: string, repository: Repository): readonly Area[] {
  return [
    ...repository.workspaces.map((workspace) => ({ folder: workspace.folder, workspace })),
    ...rootFolders
      .filter((folder) => existsSync(join(root, folder)))
      .map((folder) => ({ folder, workspace: undefined })),
  ];
}

const shortName = (folder: string): string => posix.basename(folder);

function checkTable({ arrows, workspaces }: Repository): readonly Problem[] {
  const where = 'scripts/boundaries.ts';
  const folders = new Set([...workspaces.map((one) => shortName(one.folder)), ...rootFolders]);
  const missing = [...folders].filter((name) => arrows[name] === undefined);
  const unknown = Object.entries(arrows).flatMap(([name, targets]) =>
    [name, ...targets].filter((one) => !folders.has(one)),
  );
  const circles = findCircles(new Map(Object.entries(arrows)));
  return [
    ...missing.map((name) => ({ where, message: `no row for "${name}": say in the table what it may import` })),
    ...[...new Set(unknown)].map((name) => ({
      where,
      message: `"${name}" stands in the table and is no package or app`,
    })),
    ...circles.map((circle) => ({
      where,
      message: `the table allows a circle: ${[...circle, circle[0]].join(' -> ')}`,
    })),
  ];
}

function checkManifest(repository: Repository, workspace: Workspace): readonly Problem[] {
  const { dependencies, devDependencies, peerDependencies } = workspace.manifest;
  const from = shortName(workspace.folder);
  const isRefused = (other: Workspace): boolean => {
    const to = shortName(other.folder);
    if (other.name in { ...dependencies, ...peerDependencies }) return !isAllowed(repository, from, to, true);
    return other.name in { ...devDependencies } && !isAllowed(repository, from, to, false);
  };
  return repository.workspaces.filter(isRefused).map((other) => ({
    where: `${workspace.folder}/package.json`,
    message: `depends on ${other.name}, which the table of arrows does not allow`,
  }));
}

function isAllowed({ arrows, testArrows }: Repository, from: string, to: string, isSource: boolean): boolean {
  return (arrows[from] ?? []).includes(to) || (!isSource && testArrows[from]?.[to] !== undefined);
}

/** The files of the repository that loading `file` loads as well. Types are erased, so they close no circle. */
function loadedFiles(file: string, imports: readonly ImportReference[]): readonly string[] {
  return imports.flatMap(({ specifier, kind }) =>
    specifier?.startsWith('.') && kind !== 'type' ? [posix.join(posix.dirname(file), specifier)] : [],
  );
}

function checkImport(
  repository: Repository,
  area: Area,
  file: string,
  { specifier }: ImportReference,
): string | undefined {
  const isSource = file.startsWith(`${area.folder}/src/`);
  if (specifier === undefined) {
    return isSource ? 'imports a module computed at run time: name it in quotes so that it can be checked' : undefined;
  }
  if (specifier.startsWith('.')) return checkRelative(repository, area, file, specifier, isSource);
  if (isBuiltin(specifier)) {
    return specifier.startsWith('node:') ? undefined : `imports "${specifier}": write "node:${specifier}"`;
  }
  if (/^(\/|[a-z]+:)/i.test(specifier))
    return `imports "${specifier}": an absolute path or URL works on no other machine`;
  const target = repository.workspaces.find((one) => isOrIsBelow(specifier, one.name));
  if (target === undefined) return checkExternal(repository, area, specifier, isSource);
  return checkWorkspaceImport(repository, area, specifier, target, isSource);
}

const isOrIsBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`);

function checkRelative(
  { sharedFiles }: Repository,
  area: Area,
  file: string,
  specifier: string,
  isSource: boolean,
): string | undefined {
  const target = posix.join(posix.dirname(file), specifier);
  if (!isOrIsBelow(target, area.folder)) {
    if (!isSource && sharedFiles[target] !== undefined) return undefined;
    return `"${specifier}" leaves ${area.folder}: import the package by its name`;
  }
  if (!isSource) return undefined;
  if (!isOrIsBelow(target, `${area.folder}/src`)) return `"${specifier}" leaves src, and only src is published`;
  if (posix.basename(target) === 'index.ts') {
    return `imports "${specifier}": an index is for other packages, import the file that holds the name`;
  }
  return undefined;
}

function checkWorkspaceImport(
  repository: Repository,
  area: Area,
  specifier: string,
  target: Workspace,
  isSource: boolean,
): string | undefined {
  const subpath = `.${specifier.slice(target.name.length)}`;
  if (!isExported(target.manifest, subpath)) {
    return `"${specifier}" is not in the exports of ${target.name}: export it there, or import what is`;
  }
  if (area.workspace === target) {
    return isSource ? `imports its own package by name: import the file that holds the name` : undefined;
  }
  const from = shortName(area.folder);
  if (!isAllowed(repository, from, shortName(target.folder), isSource)) {
    return `${from} may not import ${target.name}: the table of arrows in scripts/boundaries.ts has no such arrow`;
  }
  return isDeclared(area, target.name, isSource) ? undefined : undeclared(area, target.name, isSource);
}

function isExported(manifest: Manifest, subpath: string): boolean {
  return Object.keys(manifest.exports ?? {}).some((key) => {
    const [start = '', end] = key.split('*');
    if (end === undefined) return key === subpath;
    return subpath.length > start.length + end.length && subpath.startsWith(start) && subpath.endsWith(end);
  });
}

function checkExternal(
  { rootManifest }: Repository,
  area: Area,
  specifier: string,
  isSource: boolean,
): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (isDeclared(area, name, isSource)) return undefined;
  const { dependencies, devDependencies } = rootManifest;
  if (!isSource && name in { ...dependencies, ...devDependencies }) return undefined;
  return undeclared(area, name, isSource);
}

/** Code of `src` runs at users', so it needs a dependency or a peer; tests may use development dependencies as well. */
function isDeclared({ workspace }: Area, name: string, isSource: boolean): boolean {
  if (workspace === undefined) return name.startsWith('@tenon/');
  const { dependencies, devDependencies, peerDependencies } = workspace.manifest;
  return name in { ...dependencies, ...peerDependencies, ...(isSource ? {} : devDependencies) };
}

function undeclared({ folder, workspace }: Area, name: string, isSource: boolean): string {
  const manifest = workspace === undefined ? 'package.json' : `${folder}/package.json`;
  const list = isSource ? 'dependencies or peerDependencies' : 'devDependencies';
  return `imports ${name}, which ${manifest} does not declare: add it to its ${list}`;
}

if (import.meta.main) {
  reportProblems(
    [
      ...checkBoundaries({ root: repositoryRoot }),
      ...checkArchitecture(repositoryRoot, process.argv.includes('--write')),
    ],
    'Every import follows the table of arrows, and no files import each other in a circle.',
  );
}
