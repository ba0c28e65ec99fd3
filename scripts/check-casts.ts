import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { listSources, listWorkspaces, reportProblems, repositoryRoot, type Problem } from './workspace.ts';

/** Files that may cast through `unknown`, and why no type says it. */
const exemptFiles: Readonly<Record<string, string>> = {
  'packages/database/src/listing/define-listing.ts': 'a listing reads whichever tables its definition names',
};

/**
 * Finds casts through `unknown`, which turn anything into anything: the compiler then checks neither what the value was nor what it
 * has become. The linter knows no rule against them. Tests may: they hand over wrong values on purpose.
 *
 * @param exempt - default: the list in this file
 */
export function checkCasts(root: string, exempt: Readonly<Record<string, string>> = exemptFiles): readonly Problem[] {
  const files = listSources(
    root,
    listWorkspaces(root).map((one) => `${one.folder}/src`),
  );
  const idle = Object.keys(exempt).filter((file) => findCasts(root, file).length === 0);
  return [
    ...idle.map((where) => ({ where, message: `is exempt (${exempt[where]}) and casts nothing through unknown` })),
    ...files.filter((file) => exempt[file] === undefined).flatMap((file) => findCasts(root, file)),
  ];
}

function findCasts(root: string, file: string): readonly Problem[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const problems: Problem[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isAsExpression(node) && isCastToUnknown(node.expression)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      problems.push({ where: `${file}:${line + 1}`, message: 'casts through unknown: give the value the right type' });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return problems;
}

function isCastToUnknown(node: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(node)) return isCastToUnknown(node.expression);
  return ts.isAsExpression(node) && node.type.kind === ts.SyntaxKind.UnknownKeyword;
}

if (import.meta.main) reportProblems(checkCasts(repositoryRoot), 'No source casts through unknown.');
