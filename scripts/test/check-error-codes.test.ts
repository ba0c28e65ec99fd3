import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkErrorCodes } from '../check-error-codes.ts';
import { readErrorCodes } from '../error-codes.ts';
import { writeRepository } from './repository-fixture.ts';

const page = 'docs/reference/errors.md';
const kv = { 'packages/kv/package.json': { name: '@tenon/kv' } };
const errors = (codes: string): string => `export const kvErrorCodes = [${codes}] as const;`;
const raise = (text: string): string => `export const fail = (name: string) => ${text};`;

function repository(codes: string, source: string, more: Readonly<Record<string, unknown>> = {}): string {
  return writeRepository({
    ...kv,
    'packages/kv/src/errors.ts': errors(codes),
    'packages/kv/src/store.ts': source,
    ...more,
  });
}

const messagesOf = (root: string, write = false): readonly string[] =>
  checkErrorCodes(root, write).map((one) => one.message);

describe('checkErrorCodes', () => {
  it('accepts the page that it wrote', () => {
    const root = repository(`'KV_CLOSED'`, raise(`kvError('KV_CLOSED', 'the store is closed')`));
    expect(messagesOf(root)).toEqual([expect.stringContaining('is missing')]);
    expect(messagesOf(root, true)).toEqual([]);
    expect(messagesOf(root)).toEqual([]);
    expect(readFileSync(join(root, page), 'utf8')).toContain('| `KV_CLOSED` | no    | the store is closed |');
  });

  it('writes a message of several lines into one line of the table', () => {
    const root = repository(`'KV_CLOSED'`, raise(`kvError('KV_CLOSED', 'closed |\\n  for good')`));
    messagesOf(root, true);
    expect(readFileSync(join(root, page), 'utf8')).toContain('closed \\| for good |\n');
  });

  it('refuses a code that the page does not list, and a listed one that no package declares', () => {
    const root = repository(`'KV_CLOSED'`, raise(`kvError('KV_CLOSED', 'closed')`));
    messagesOf(root, true);
    writeFileSync(join(root, 'packages/kv/src/errors.ts'), errors(`'KV_FULL'`));
    writeFileSync(join(root, 'packages/kv/src/store.ts'), raise(`kvError('KV_FULL', 'full')`));
    expect(messagesOf(root)).toEqual([
      expect.stringContaining('does not list KV_FULL'),
      expect.stringContaining('lists what no package declares: KV_CLOSED'),
    ]);
  });

  it('refuses a page whose text is out of date', () => {
    const root = repository(`'KV_CLOSED'`, raise(`kvError('KV_CLOSED', 'closed')`));
    messagesOf(root, true);
    writeFileSync(join(root, 'packages/kv/src/store.ts'), raise(`kvError('KV_CLOSED', 'has been closed')`));
    expect(messagesOf(root)).toEqual([expect.stringContaining('out of date')]);
  });

  it('keeps what people wrote around the tables, and refuses a page without markers', () => {
    const root = repository(`'KV_CLOSED'`, raise(`kvError('KV_CLOSED', 'closed')`), {
      [page]: '# Ours\n\n<!-- codes -->\n<!-- /codes -->\n\nThe end.\n',
    });
    expect(messagesOf(root, true)).toEqual([]);
    expect(readFileSync(join(root, page), 'utf8')).toMatch(/^# Ours\n[^]*KV_CLOSED[^]*\nThe end\.\n$/);
    writeFileSync(join(root, page), '# KV_CLOSED');
    expect(messagesOf(root)).toEqual([expect.stringContaining('has no section')]);
  });

  it('refuses a code that nothing raises, one without a meaning, and one that is no literal', () => {
    const root = repository(`'KV_UNUSED', 'KV_COMPUTED', OTHER`, raise(`kvError('KV_COMPUTED', name)`));
    expect(messagesOf(root, true)).toEqual([
      expect.stringContaining('OTHER is no string literal'),
      expect.stringContaining('KV_UNUSED is raised nowhere'),
      expect.stringContaining('KV_COMPUTED is raised with a computed message only'),
    ]);
  });

  it('finds the codes of a part of a package as well', () => {
    const root = repository(`'KV_CLOSED'`, raise(`kvError('KV_CLOSED', 'closed')`), {
      'packages/kv/src/import/errors.ts': `export const importErrorCodes = ['IMPORT_STOPPED'];`,
      'packages/kv/src/import/run.ts': raise(`importError('IMPORT_STOPPED', 'stopped')`),
    });
    expect(messagesOf(root, true)).toEqual([]);
    expect(readFileSync(join(root, page), 'utf8')).toContain('IMPORT_STOPPED');
  });

  it('refuses a code that two packages declare', () => {
    const source = raise(`kvError('CLOSED', 'closed')`);
    const root = repository(`'CLOSED'`, source, {
      'packages/mail/package.json': { name: '@tenon/mail' },
      'packages/mail/src/errors.ts': `export const mailErrorCodes = ['CLOSED'] as const satisfies readonly string[];`,
      'packages/mail/src/send.ts': source,
    });
    expect(messagesOf(root, true)).toEqual([expect.stringContaining('CLOSED is declared by @tenon/kv already')]);
  });
});

describe('readErrorCodes', () => {
  it('takes the meaning from the comment, or else from the first message, and tells whether to retry', () => {
    const codes = `
      // The server refused
      // the login.
      'A',
      'B', /** Two ways. */
      'C', 'D'`;
    const root = repository(
      codes,
      `export const all = (key: { id: string }, options: object) => [
        kvError('A', 'refused', { retryable: true }),
        kvError('B', 'one', { retryable: false }), kvError('B', 'two', { retryable: true }),
        kvError('C', \`no "\${key.id}" | \${key.id.trim()}\` + ' here\\nand there', { details: {} }),
        new CodedError('D', 'gone', { ...options }),
      ];`,
    );
    const [found] = readErrorCodes(root).packages;
    expect(found?.codes).toEqual([
      { code: 'A', meaning: 'The server refused the login.', retryable: 'yes' },
      { code: 'B', meaning: 'Two ways.', retryable: 'depends' },
      { code: 'C', meaning: 'no "{id}" | {…} here\nand there', retryable: 'no' },
      { code: 'D', meaning: 'gone', retryable: 'depends' },
    ]);
  });
});
