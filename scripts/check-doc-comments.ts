import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { listSources, listWorkspaces, reportProblems, repositoryRoot, type Problem } from './workspace.ts';

/** Finds exported names without a doc comment, in the sources of packages and apps. What an index names again was documented where it is. */
export function checkDocComments(root: string): readonly Problem[] {
  const files = listSources(
    root,
    listWorkspaces(root).map((one) => `${one.folder}/src`),
  );
  return files.flatMap((file) => findBare(file, readFileSync(join(root, file), 'utf8')));
}

function findBare(file: string, text: string): readonly Problem[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const documented = new Set<string>();
  const bare: { readonly name: string; readonly line: number }[] = [];
  for (const statement of source.statements) {
    if (!isExported(statement)) continue;
    for (const name of namesOf(statement)) {
      // A schema and the type that is derived from it share a name, and one comment; so do the overloads of a function.
      if (hasDocComment(statement)) documented.add(name);
      else bare.push({ name, line: source.getLineAndCharacterOfPosition(statement.getStart(source)).line + 1 });
    }
  }
  return bare
    .filter(({ name }) => !documented.has(name))
    .map(({ name, line }) => ({
      where: `${file}:${line}`,
      message: `"${name}" is exported and has no doc comment: say what it is or does, and what it throws`,
    }));
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name === undefined ? [] : [name.text];
}

function hasDocComment(statement: ts.Statement): boolean {
  return ts.getJSDocCommentsAndTags(statement).some((one) => ts.isJSDoc(one));
}

if (import.meta.main) reportProblems(checkDocComments(repositoryRoot), 'Every exported name has a doc comment.');
