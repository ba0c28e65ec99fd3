import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { listSources, listWorkspaces, type Problem } from './workspace.ts';

/** A code that a package declares, with what its source tells about it. */
export interface ErrorCode {
  readonly code: string;
  /** The comment on it in `errors.ts`, or else the first message it is raised with; values stand as `{name}`. */
  readonly meaning: string;
  /** Whether trying again can help: `yes`, `no`, or `depends` when raises differ or decide at run time. */
  readonly retryable: 'yes' | 'no' | 'depends';
}

/** The codes of one package, in the order of its arrays. */
export interface PackageCodes {
  readonly name: string;
  readonly codes: readonly ErrorCode[];
}

/** The codes of all packages, and what is wrong with how they are declared. */
export interface DeclaredCodes {
  readonly packages: readonly PackageCodes[];
  readonly problems: readonly Problem[];
}

interface Raise {
  readonly message: string;
  readonly retryable: 'yes' | 'no' | 'depends';
}

/** Reads every `xxxErrorCodes` array in the `errors.ts` files of every workspace, and where its codes are raised. */
export function readErrorCodes(root: string): DeclaredCodes {
  const packages: PackageCodes[] = [];
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  for (const workspace of listWorkspaces(root)) {
    const sources = listSources(root, [`${workspace.folder}/src`]);
    const uses = readUses(root, sources);
    const codes = sources
      .filter((file) => posix.basename(file) === 'errors.ts')
      .flatMap((where) => {
        const { elements, unread } = readArrays(root, where);
        const add = (message: string): unknown => problems.push({ where, message });
        for (const text of unread) add(`${text} is no string literal, so it cannot be checked`);
        return elements.map((element): ErrorCode => {
          const found = describe(element, uses);
          const owner = owners.get(found.code);
          if (owner !== undefined) add(`${found.code} is declared by ${owner} already: a code has one meaning`);
          owners.set(found.code, workspace.name);
          const mistake = mistakeIn(found, uses);
          if (mistake !== undefined) add(`${found.code} ${mistake}`);
          return found;
        });
      });
    if (codes.length > 0) packages.push({ name: workspace.name, codes });
  }
  return { packages, problems };
}

function describe({ code, comment }: CodeElement, uses: Uses): ErrorCode {
  const raises = uses.raises.get(code) ?? [];
  const meaning = comment ?? raises.map((one) => one.message).find((message) => message !== '') ?? '';
  return { code, meaning, retryable: joinRetryable(raises) };
}

function mistakeIn({ code, meaning }: ErrorCode, uses: Uses): string | undefined {
  if (!uses.literals.has(code)) return 'is raised nowhere in this package: remove it, or raise it';
  if (meaning !== '') return undefined;
  return 'is raised with a computed message only: say in a comment above it when it is raised';
}

function joinRetryable(raises: readonly Raise[]): ErrorCode['retryable'] {
  const [first, ...others] = new Set(raises.map((one) => one.retryable));
  return others.length > 0 ? 'depends' : (first ?? 'depends');
}

interface CodeElement {
  readonly code: string;
  readonly comment: string | undefined;
}

interface CodeArrays {
  readonly elements: readonly CodeElement[];
  /** Source text of array elements that are no string literals. */
  readonly unread: readonly string[];
}

function readArrays(root: string, file: string): CodeArrays {
  const source = parse(root, file);
  const all = source.statements.filter(ts.isVariableStatement).flatMap((statement) =>
    statement.declarationList.declarations.flatMap((declaration) => {
      const isCodes = ts.isIdentifier(declaration.name) && declaration.name.text.endsWith('ErrorCodes');
      const array = isCodes ? arrayOf(declaration.initializer) : undefined;
      return array === undefined ? [] : [...array.elements];
    }),
  );
  return {
    elements: all.filter(ts.isStringLiteral).map((one) => ({ code: one.text, comment: commentOn(source, one) })),
    unread: all.filter((one) => !ts.isStringLiteral(one)).map((one) => one.getText(source)),
  };
}

/** The array literal within `[...] as const` or `[...] satisfies T`. */
function arrayOf(expression: ts.Expression | undefined): ts.ArrayLiteralExpression | undefined {
  if (expression === undefined || ts.isArrayLiteralExpression(expression)) return expression;
  if (ts.isAsExpression(expression) || ts.isSatisfiesExpression(expression)) return arrayOf(expression.expression);
  return undefined;
}

/** The comment above an element, or else behind it and its comma on the same line. */
function commentOn(source: ts.SourceFile, node: ts.Node): string | undefined {
  const above = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
  const end = source.text.startsWith(',', node.end) ? node.end + 1 : node.end;
  const ranges = above.length > 0 ? above : (ts.getTrailingCommentRanges(source.text, end) ?? []);
  const text = ranges
    .map((range) => source.text.slice(range.pos, range.end).replaceAll(/^\/\*+|\*+\/$|^\s*(\/\/|\*)/gm, ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? undefined : text;
}

interface Uses {
  /** Every string literal of the package outside its `xxxErrorCodes` arrays. */
  readonly literals: ReadonlySet<string>;
  /** Code to the calls whose first argument it is. */
  readonly raises: ReadonlyMap<string, readonly Raise[]>;
}

function readUses(root: string, files: readonly string[]): Uses {
  const literals = new Set<string>();
  const raises = new Map<string, Raise[]>();
  for (const file of files) {
    const visit = (node: ts.Node): void => {
      if (ts.isVariableDeclaration(node) && node.name.getText().endsWith('ErrorCodes')) return;
      if (ts.isStringLiteralLike(node)) literals.add(node.text);
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        const [code, message, options] = node.arguments ?? [];
        if (code !== undefined && message !== undefined && ts.isStringLiteralLike(code)) {
          const raise = { message: messageOf(message), retryable: retryableOf(options) };
          raises.set(code.text, [...(raises.get(code.text) ?? []), raise]);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(parse(root, file));
  }
  return { literals, raises };
}

function messageOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isBinaryExpression(node)) return messageOf(node.left) + messageOf(node.right);
  if (ts.isTemplateExpression(node)) {
    return (
      node.head.text + node.templateSpans.map((span) => `{${nameOf(span.expression)}}${span.literal.text}`).join('')
    );
  }
  return '';
}

function nameOf(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  return '…';
}

function retryableOf(options: ts.Expression | undefined): Raise['retryable'] {
  if (options === undefined) return 'no';
  if (!ts.isObjectLiteralExpression(options)) return 'depends';
  const property = options.properties.find((one) => one.name?.getText() === 'retryable');
  if (property === undefined) return options.properties.some(ts.isSpreadAssignment) ? 'depends' : 'no';
  if (!ts.isPropertyAssignment(property)) return 'depends';
  if (property.initializer.kind === ts.SyntaxKind.TrueKeyword) return 'yes';
  return property.initializer.kind === ts.SyntaxKind.FalseKeyword ? 'no' : 'depends';
}

function parse(root: string, file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
}
