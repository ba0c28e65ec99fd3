import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import {
  listSources,
  listWorkspaces,
  readManifest,
  reportProblems,
  repositoryRoot,
  type Problem,
} from './workspace.ts';

const home = 'packages/core/src/concurrency/';

/** Files that may chain or share promises by hand, and what differs there from the primitives. */
const exemptFiles: Readonly<Record<string, string>> = {
  'packages/resources/src/health/health-watch.ts': 'whether a look is under way decides when the next one is due',
  'packages/resources/src/managed/departures.ts': 'what is ended is ended once, and never begun anew',
};

/**
 * Holds all code to one module that decides who waits for whom: the one of `@tenon/core`. Refused are, in sources outside of it, maps of
 * promises, promises that are chained to themselves, and slots that are emptied by what is in them; and packages of the linter's list
 * among the dependencies, as an import that the linter does not see is possible at run time.
 *
 * @param exempt - default: the list in this file
 */
export function checkConcurrency(
  root: string,
  exempt: Readonly<Record<string, string>> = exemptFiles,
): readonly Problem[] {
  const workspaces = listWorkspaces(root);
  const files = listSources(
    root,
    workspaces.map((one) => `${one.folder}/src`),
  ).filter((file) => !file.startsWith(home));
  const idle = Object.keys(exempt).filter((file) => !files.includes(file) || findByHand(root, file).length === 0);
  return [
    ...idle.map((where) => ({ where, message: `is exempt (${exempt[where]}) and waits for nothing by hand` })),
    ...files.filter((file) => exempt[file] === undefined).flatMap((file) => findByHand(root, file)),
    ...['', ...workspaces.map((one) => one.folder)].flatMap((folder) => findPackages(root, folder)),
  ];
}

function findPackages(root: string, folder: string): readonly Problem[] {
  const { dependencies, devDependencies, peerDependencies } = readManifest(join(root, folder));
  const isRefused = refusedImports(root);
  return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })
    .filter(isRefused)
    .map((name) => ({ where: join(folder, 'package.json'), message: `declares "${name}": use ${home} instead` }));
}

/** Reads what the linter keeps out. @throws when it knows no such rule */
function refusedImports(root: string): (name: string) => boolean {
  const settings = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as {
    readonly rules: {
      readonly 'no-restricted-imports': readonly [string, { readonly patterns: readonly { readonly regex: string }[] }];
    };
  };
  const [, { patterns }] = settings.rules['no-restricted-imports'];
  return (name) => patterns.some(({ regex }) => new RegExp(regex).test(name));
}

function findByHand(root: string, file: string): readonly Problem[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const problems: Problem[] = [];
  const visit = (node: ts.Node): void => {
    const message = mapOfPromises(node) ?? chainedToItself(node) ?? emptiedByItself(node);
    if (message !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      problems.push({ where: `${file}:${line + 1}`, message });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return problems;
}

/** `Map<string, Promise<Account>>`, as a type or behind `new`. */
function mapOfPromises(node: ts.Node): string | undefined {
  const name = ts.isTypeReferenceNode(node) ? node.typeName : ts.isNewExpression(node) ? node.expression : undefined;
  if (name === undefined || !/^(Readonly|Weak)?Map$/.test(name.getText())) return undefined;
  const [, value] = (node as ts.TypeReferenceNode | ts.NewExpression).typeArguments ?? [];
  const types = value !== undefined && ts.isUnionTypeNode(value) ? value.types : [value];
  const holds = types.some((type) => type !== undefined && /^Promise(Like|WithResolvers)?\b/.test(type.getText()));
  return holds ? 'keeps promises by key: use a single flight or a mutex by key of @tenon/core' : undefined;
}

/** `tail = tail.then(work)`, also by way of a constant. */
function chainedToItself(node: ts.Node): string | undefined {
  if (!isAssignment(node, ts.SyntaxKind.EqualsToken)) return undefined;
  const target = node.left.getText();
  const value = ts.isIdentifier(node.right) ? initialiserOf(node.right) : node.right;
  const follows = value !== undefined && contains(value, (one) => isFollowing(one) && followed(one) === target);
  return follows ? 'chains promises by hand: use a mutex of @tenon/core' : undefined;
}

/** `loading ??= load().finally(() => (loading = undefined))`. */
function emptiedByItself(node: ts.Node): string | undefined {
  if (!isAssignment(node, ts.SyntaxKind.QuestionQuestionEqualsToken)) return undefined;
  const target = node.left.getText();
  const empties = (one: ts.Node): boolean =>
    isAssignment(one, ts.SyntaxKind.EqualsToken) &&
    one.left.getText() === target &&
    one.right.getText() === 'undefined';
  // What is emptied by a failure alone is kept, and not shared for the time of the work.
  const isEmptied = contains(
    node.right,
    (one) =>
      isFollowing(one) &&
      one.expression.name.text === 'finally' &&
      one.arguments.some((handler) => contains(handler, empties)),
  );
  return isEmptied ? 'shares work by hand: use a single flight of @tenon/core' : undefined;
}

function isAssignment(node: ts.Node, operator: ts.SyntaxKind): node is ts.BinaryExpression {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === operator;
}

function isFollowing(node: ts.Node): node is ts.CallExpression & { readonly expression: ts.PropertyAccessExpression } {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    /^(then|catch|finally)$/.test(node.expression.name.text)
  );
}

/** The promise at the start of `promise.then(...).catch(...)`. */
function followed(node: ts.CallExpression & { readonly expression: ts.PropertyAccessExpression }): string {
  const { expression } = node.expression;
  return isFollowing(expression) ? followed(expression) : expression.getText();
}

function initialiserOf(name: ts.Identifier): ts.Expression | undefined {
  for (let block = name.parent; block !== undefined; block = block.parent) {
    if (!ts.isBlock(block) && !ts.isSourceFile(block)) continue;
    const declared = block.statements
      .filter((statement) => ts.isVariableStatement(statement))
      .flatMap((statement) => statement.declarationList.declarations)
      .find((one) => one.name.getText() === name.text);
    if (declared !== undefined) return declared.initializer;
  }
  return undefined;
}

function contains(node: ts.Node, matches: (one: ts.Node) => boolean): boolean {
  return matches(node) || ts.forEachChild(node, (child) => contains(child, matches) || undefined) === true;
}

if (import.meta.main) reportProblems(checkConcurrency(repositoryRoot), 'All that waits in turn does so in one module.');
