import ts from 'typescript';

/** A function and its length. */
export interface FunctionSize {
  /** Its own name, or that of the variable or property that holds it. */
  readonly name: string;
  /** 1-based line of its start. */
  readonly line: number;
  /** Lines with code, from its first to its last; functions inside it count with it. */
  readonly codeLines: number;
}

/** The length of a file and of its functions. */
export interface FileSize {
  /** Lines that hold code: neither blank nor only a comment. */
  readonly codeLines: number;
  readonly functions: readonly FunctionSize[];
}

/** Measures TypeScript text. Lines inside a template literal count unless they are blank. */
export function measureCode(file: string, text: string): FileSize {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lines = text.split('\n');
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const code = new Set<number>();
  const functions: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (isMeasured(node)) functions.push(node);
    const children = node.getChildren(source).filter((child) => !ts.isJSDoc(child));
    if (children.length > 0) return children.forEach(visit);
    if (node.getWidth(source) === 0) return undefined;
    for (let line = lineOf(node.getStart(source)); line <= lineOf(node.getEnd()); line += 1) {
      if (lines[line]?.trim() !== '') code.add(line);
    }
    return undefined;
  };
  visit(source);
  const between = (from: number, to: number): number => [...code].filter((line) => line >= from && line <= to).length;
  return {
    codeLines: code.size,
    functions: functions.map((node) => {
      const from = lineOf(node.getStart(source));
      return { name: nameOf(node, source), line: from + 1, codeLines: between(from, lineOf(node.getEnd())) };
    }),
  };
}

function isMeasured(node: ts.Node): boolean {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function nameOf(node: ts.Node, source: ts.SourceFile): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const named = [node, node.parent].find((one) => one !== undefined && (one as ts.NamedDeclaration).name !== undefined);
  return (named as ts.NamedDeclaration | undefined)?.name?.getText(source) ?? 'a function';
}
