import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readErrorCodes, type PackageCodes } from './error-codes.ts';
import { markdownTable, replaceSection } from './markdown.ts';
import { reportProblems, repositoryRoot, type Problem } from './workspace.ts';

const page = 'docs/reference/errors.md';

const newPage = `# Error codes

Every error carries a \`code\`. Codes are part of the API: they keep their meaning and are never renamed. _Retry_ says whether
the same call can succeed later without a change.

<!-- codes -->
<!-- /codes -->
`;

/**
 * Checks that `docs/reference/errors.md` lists the error codes of all packages and nothing else, and that each code is
 * declared once, raised, and explained.
 *
 * @param write - true writes the page's tables instead of comparing them
 */
export function checkErrorCodes(root: string, write: boolean): readonly Problem[] {
  const { packages, problems } = readErrorCodes(root);
  const file = join(root, page);
  const present = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (present === undefined && !write) {
    return [...problems, { where: page, message: 'is missing: npm run error-codes -- --write' }];
  }
  const wanted = replaceSection(present ?? newPage, 'codes', renderCodes(packages));
  if (wanted === undefined) {
    return [...problems, { where: page, message: 'has no section between <!-- codes --> and <!-- /codes -->' }];
  }
  if (write) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, wanted);
  } else if (wanted !== present) {
    return [...problems, ...differences(present ?? '', packages)];
  }
  return problems;
}

/** One section with one table for each package that declares codes. */
function renderCodes(packages: readonly PackageCodes[]): string {
  return packages
    .map(({ name, codes }) => {
      const rows = codes
        .toSorted((left, right) => left.code.localeCompare(right.code))
        .map(({ code, meaning, retryable }) => [`\`${code}\``, retryable, escape(meaning)]);
      return `## ${name}\n\n${markdownTable(['Code', 'Retry', 'Meaning'], rows)}`;
    })
    .join('\n\n');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\*_[\]]/g, String.raw`\$&`);
}

/** Says which codes differ; a changed message alone is told once, for the page. */
function differences(text: string, packages: readonly PackageCodes[]): readonly Problem[] {
  const listed = new Set([...text.matchAll(/^\| `([A-Z0-9_]+)`/gm)].map((match) => match[1] ?? ''));
  const declared = new Set(packages.flatMap((one) => one.codes.map(({ code }) => code)));
  const missing = [...declared].filter((code) => !listed.has(code));
  const stale = [...listed].filter((code) => !declared.has(code));
  const found = [
    ...(missing.length > 0 ? [`does not list ${missing.join(', ')}`] : []),
    ...(stale.length > 0 ? [`lists what no package declares: ${stale.join(', ')}`] : []),
  ];
  const told = found.length > 0 ? found : ['its tables are out of date'];
  return told.map((message) => ({ where: page, message: `${message}. Run npm run error-codes -- --write` }));
}

if (import.meta.main) {
  const problems = checkErrorCodes(repositoryRoot, process.argv.includes('--write'));
  reportProblems(problems, `${page} lists every error code, and each is raised somewhere.`);
}
