/**
 * Renders a Markdown table the way the formatter leaves it: columns padded to their widest cell.
 *
 * @param rows - cell texts; a `|` inside is escaped, and a line break becomes a space
 */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => cell.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')),
  );
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [first = [], ...others] = cells;
  return [line(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others.map(line)].join('\n');
}

/**
 * Replaces what stands between `<!-- name -->` and `<!-- /name -->`.
 *
 * @returns the new text, or undefined when the markers are missing
 */
export function replaceSection(text: string, name: string, content: string): string | undefined {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) return undefined;
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}
