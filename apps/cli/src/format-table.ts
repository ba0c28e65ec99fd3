/** Rows in columns as wide as their widest cell, under their names. */
export function formatTable(names: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = names.map((name, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), name.length),
  );
  return [names, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
