import ts from 'typescript';

/** One reference from a file to a module. */
export interface ImportReference {
  /** The text between the quotes. Undefined when the module is computed at run time. */
  readonly specifier: string | undefined;
  /** `type` is erased and loads nothing, `static` loads with the file, `dynamic` when the line runs. */
  readonly kind: 'static' | 'dynamic' | 'type';
  /** 1-based. */
  readonly line: number;
}

/**
 * Lists every reference to another module: import and export declarations, `import()`, `import.meta.resolve()`,
 * `require()` and `import('x').T` in types.
 *
 * `import type` and an import whose every name is marked `type` count as `type`: `verbatimModuleSyntax` erases the first;
 * of the second it leaves a bare `import 'x'`, which does load, so that one counts as `static`.
 *
 * @param file - name for the parser; decides between TypeScript and TSX
 */
export function listImports(file: string, text: string): readonly ImportReference[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: ImportReference[] = [];
  const add = (node: ts.Node, module: ts.Node | undefined, kind: ImportReference['kind']): void => {
    const specifier = module !== undefined && ts.isStringLiteralLike(module) ? module.text : undefined;
    found.push({ specifier, kind, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(
        node,
        node.moduleSpecifier,
        node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static',
      );
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static');
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly ? 'type' : 'static');
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, 'type');
    } else if (ts.isCallExpression(node) && loadsModule(node.expression)) {
      add(node, node.arguments[0], 'dynamic');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function loadsModule(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  return (
    ts.isPropertyAccessExpression(callee) && callee.name.text === 'resolve' && ts.isMetaProperty(callee.expression)
  );
}
