import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { listSources, listWorkspaces, repositoryRoot } from '../workspace.ts';

const sources = listSources(
  repositoryRoot,
  listWorkspaces(repositoryRoot).map((one) => `${one.folder}/src`),
);
const textOf = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');

const MARKERS = /\b(TODO|FIXME|HACK|XXX)\b|\bT\d{3}\b|\bP\d-T\d+\b|\bphase \d/;
// Each has a word that everybody reads without thinking.
const ABBREVIATIONS = new Set(
  'ctx cfg conf mgr util utils helper helpers impl opts params cb str num arr obj tmp val idx cnt msg req res db cred creds'.split(
    ' ',
  ),
);

/** The words of `openDatabaseFor`: open, database, for. */
const wordsOf = (name: string): readonly string[] =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_]+/);

/** Names that users of a package meet: what is exported, and the members of exported interfaces. */
function publicNames(file: string): readonly string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true);
  return source.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
    const members = ts.isInterfaceDeclaration(statement) ? statement.members : [];
    return [name?.text ?? '', ...members.map((member) => member.name?.getText() ?? '')];
  });
}

describe('sources', () => {
  it('hold no marker of a task or of unfinished work', () => {
    const found = sources.filter((file) => MARKERS.test(textOf(file)));
    expect(found).toEqual([]);
    expect(MARKERS.test('// TODO later')).toBe(true);
  });

  it('have no abbreviation in a public name', () => {
    const found = sources.flatMap((file) =>
      publicNames(file)
        .filter((name) => wordsOf(name).some((word) => ABBREVIATIONS.has(word)))
        .map((name) => `${file}: ${name}`),
    );
    expect(found).toEqual([]);
    expect(wordsOf('createDbConfig').some((word) => ABBREVIATIONS.has(word))).toBe(true);
  });
});
