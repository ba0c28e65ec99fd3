import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrows } from './boundaries.ts';
import { markdownTable, replaceSection } from './markdown.ts';
import type { Problem } from './workspace.ts';

/** The table of arrows as it stands in ARCHITECTURE.md. */
function renderArrows(): string {
  return markdownTable(
    ['package', 'may import'],
    Object.entries(arrows).map(([name, targets]) => [
      `\`${name}\``,
      targets.length === 0 ? 'nothing of ours' : targets.map((target) => `\`${target}\``).join(', '),
    ]),
  );
}

/**
 * Compares the section of ARCHITECTURE.md between `<!-- arrows -->` and `<!-- /arrows -->` with the table.
 *
 * @param write - true writes the section instead of comparing it
 */
export function checkArchitecture(root: string, write: boolean): readonly Problem[] {
  const where = 'ARCHITECTURE.md';
  const file = join(root, where);
  if (!existsSync(file)) return [{ where, message: 'is missing: it shows the rings and the table of arrows' }];
  const text = readFileSync(file, 'utf8');
  const wanted = replaceSection(text, 'arrows', renderArrows());
  if (wanted === undefined) {
    return [{ where, message: 'has no section between <!-- arrows --> and <!-- /arrows -->' }];
  }
  if (wanted === text) return [];
  if (!write) {
    const message = 'its table of arrows differs from scripts/boundaries.ts: run npm run boundaries -- --write';
    return [{ where, message }];
  }
  writeFileSync(file, wanted);
  return [];
}
