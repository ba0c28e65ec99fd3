import { join } from 'node:path';
import { repositoryRoot } from './workspace.ts';

/** A check that reads the sources and runs nothing of them. */
export interface StaticCheck {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
}

const tool = (name: string): string => join(repositoryRoot, 'node_modules', '.bin', name);

function script(title: string, file: string): StaticCheck {
  return { title, command: process.execPath, args: ['--conditions=@tenon/source', join('scripts', file)] };
}

/** The checks, in the order in which their results are shown. */
export const staticChecks: readonly StaticCheck[] = [
  { title: 'format', command: tool('oxfmt'), args: ['--check', '.'] },
  { title: 'lint', command: tool('oxlint'), args: ['--deny-warnings'] },
  { title: 'security lint', command: tool('oxlint'), args: ['--deny-warnings', '-c', '.oxlintrc.security.json'] },
  { title: 'types', command: tool('tsc'), args: ['-b'] },
  script('boundaries and circles', 'check-boundaries.ts'),
  script('sizes', 'check-sizes.ts'),
  script('double casts', 'check-casts.ts'),
  script('waiting by hand', 'check-concurrency.ts'),
  script('doc comments', 'check-doc-comments.ts'),
  { title: 'unused code and dependencies', command: tool('knip'), args: ['--no-progress', '--no-config-hints'] },
  script('error codes', 'check-error-codes.ts'),
];
