import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureCode } from './code-lines.ts';
import { listSources, listWorkspaces, reportProblems, repositoryRoot, type Problem } from './workspace.ts';

/** The limits, in lines of code: blank lines and comments do not count. */
export const sizeLimits = { fileError: 400, fileWarning: 250, function: 60 } as const;

/** Files that may be longer, or hold a longer function, and why. Generated code and data tables are the usual reason. */
const exemptFiles: readonly { readonly path: string; readonly reason: string }[] = [];

/** What {@link checkSizes} found. */
export interface SizeReport {
  readonly problems: readonly Problem[];
  /** Files that should be split before they grow further. */
  readonly warnings: readonly Problem[];
}

/**
 * Measures every source file of the packages, apps, scripts and benchmarks. Tests are left out: a `describe` is as long as
 * what it describes.
 *
 * @param exempt - default: the list in this file
 */
export function checkSizes(root: string, exempt = exemptFiles): SizeReport {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const folders = [...listWorkspaces(root).map((one) => `${one.folder}/src`), 'scripts', 'bench'];
  const files = listSources(root, folders).filter((file) => !/^(scripts|bench)\/test\//.test(file));
  for (const { path, reason } of exempt) {
    if (!files.includes(path)) problems.push({ where: path, message: `is exempt (${reason}) and does not exist` });
  }
  for (const file of files.filter((one) => !exempt.some(({ path }) => path === one))) {
    const size = measureCode(file, readFileSync(join(root, file), 'utf8'));
    if (size.codeLines > sizeLimits.fileError) {
      problems.push({
        where: file,
        message: `${size.codeLines} lines of code, limit ${sizeLimits.fileError}: split it by concept`,
      });
    } else if (size.codeLines > sizeLimits.fileWarning) {
      warnings.push({ where: file, message: `${size.codeLines} lines of code; consider splitting it` });
    }
    for (const { name, line, codeLines } of size.functions) {
      if (codeLines <= sizeLimits.function) continue;
      problems.push({
        where: `${file}:${line}`,
        message: `${name} has ${codeLines} lines of code, limit ${sizeLimits.function}: name its parts`,
      });
    }
  }
  return { problems, warnings };
}

if (import.meta.main) {
  const { problems, warnings } = checkSizes(repositoryRoot);
  for (const { where, message } of warnings) console.log(`${where}: ${message}`);
  reportProblems(problems, 'No file and no function is over its limit.');
}
