import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentialErrorCodes } from '@tenon/credentials';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'packages/credentials');
const sources = globSync('src/**/*.ts', { cwd: folder });
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

/** The doc comments of a text, without their stars. */
const docComments = (text: string): readonly string[] =>
  [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([comment]) =>
    comment.slice('/**'.length, -'*/'.length).replaceAll(/^ *\* ?/gm, ''),
  );

interface Member {
  readonly name: string;
  readonly doc: string;
}

/** What the interfaces of a file have, each with its doc comment. */
function membersOf(file: string, ...interfaces: readonly string[]): readonly Member[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((statement) => ts.isInterfaceDeclaration(statement))
    .filter(({ name }) => interfaces.includes(name.text))
    .flatMap(({ members }) => [...members])
    .map((member) => ({
      name: member.name?.getText() ?? '',
      doc: ts
        .getJSDocCommentsAndTags(member)
        .map((one) => one.getText())
        .join('\n'),
    }));
}

const vault = membersOf('src/vault/credential-vault.ts', 'CredentialView', 'CredentialVault');
const builder = membersOf('src/vault/credentials.ts', 'BuilderSteps');
const options = [
  ...membersOf('src/cache/credential-cache.ts', 'CacheOptions'),
  ...membersOf('src/refresh/credential-refresher.ts', 'RefreshOptions'),
  ...membersOf('src/storage/guarded-call.ts', 'RetryOptions'),
  ...membersOf('src/vault/store.ts', 'StoreOptions'),
  ...membersOf('src/vault/retrieve.ts', 'RetrieveOptions'),
  ...membersOf('src/rotation/rotate.ts', 'RotateOptions', 'RollBackOptions'),
];

describe('the documentation of the sources', () => {
  it('says of each operation of a vault, each step of the builder and each option what it does', () => {
    const undocumented = [...vault, ...builder, ...options].filter(({ doc }) => doc === '');
    // Its type says it all.
    expect(undocumented.map(({ name }) => name)).toEqual(['statistics']);
    expect([vault.length > 20, builder.length > 15, options.length > 20]).toEqual([true, true, true]);
  });

  it('names the errors of each operation that has any of its own', () => {
    const unnamed = vault.filter(({ doc }) => !/`CREDENTIALS?_[A-Z_]+`|\{@link CredentialView[.}]/.test(doc));
    const cannotFail = ['statistics', 'clearCache', 'clearCacheFor', 'close'];
    expect(unnamed.map(({ name }) => name)).toEqual(cannotFail);
    for (const { name, doc } of membersOf('src/vault/credentials.ts', 'BuilderSteps')) {
      expect(doc, `${name} fails in build(), which says so`).not.toContain('@throws');
    }
    expect(read('src/vault/credentials.ts')).toMatch(/@throws `CREDENTIALS_OPTIONS_INVALID`[^/]*\*\/\s*build\(\)/);
  });

  it('names no error that there is not', () => {
    const comments = sources.flatMap((file) => docComments(read(file)));
    const codes = comments.flatMap((comment) => comment.match(/\bCREDENTIALS?_[A-Z]+(?:_[A-Z]+)*\b/g) ?? []);
    expect(codes.length).toBeGreaterThan(50);
    expect(codes.filter((code) => !credentialErrorCodes.some((known) => known === code))).toEqual([]);
  });
});

/** A TypeScript example of a doc comment. */
interface Example {
  readonly file: string;
  readonly text: string;
}

const examples: readonly Example[] = sources.flatMap((file) =>
  docComments(read(file)).flatMap((comment) =>
    [...comment.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => ({ file, text })),
  ),
);

/** From where examples have what they use, and do not import themselves. */
const modules: Readonly<Record<string, readonly string[]>> = {
  '@tenon/core/testing': ['createTestClock'],
  '@tenon/crypto': ['KeyRing'],
  '@tenon/kv/drivers/redis': ['createRedisStore'],
  ioredis: ['Redis'],
  typebox: ['Type'],
};
/** What is around an example: made somewhere else, in a way that does not matter to it. */
const around: Readonly<Record<string, string>> = {
  accessKeyId: 'string',
  clock: "import('@tenon/core').Clock",
  credentialError: "(code: import('@tenon/credentials').CredentialErrorCode, message: string) => Error",
  credentialsOfThisMachine: '() => Promise<{ accessKeyId: string; secretAccessKey: string }>',
  database: "import('@tenon/database').Database",
  keys: "import('@tenon/crypto').KeyRing",
  ring: "import('@tenon/crypto').KeyRing",
  roleId: 'string',
  secretAccessKey: 'string',
  secretId: 'string',
  send: '(host: string, password: string) => Promise<void>',
  storage: "import('@tenon/credentials').CredentialStorage",
  url: 'string',
  // What an example has stored it reads without asking whether it is there.
  vault: `Omit<import('@tenon/credentials').CredentialVault, 'retrieve'> & {
    retrieve<Value extends object>(
      reference: import('@tenon/credentials').CredentialReference,
      options?: { readonly kind?: import('@tenon/credentials').CredentialKind<Value> },
    ): Promise<import('@tenon/credentials').Credential<Value>>;
  }`,
};

describe('the examples in the doc comments', () => {
  const outside = mkdtempSync(join(tmpdir(), 'tenon-doc-comments-'));
  afterAll(() => rmSync(outside, { recursive: true, force: true }));

  it('are there for the builder, for kinds and for every driver', () => {
    const withExample = new Set(examples.map(({ file }) => file));
    const drivers = globSync('src/drivers/*.ts', { cwd: folder });
    const wanted = [...drivers, 'src/vault/credentials.ts', 'src/kinds/define-kind.ts'];
    expect(wanted.filter((file) => !withExample.has(file))).toEqual([]);
  });

  it('compile, with what they use and do not make', async () => {
    const paths = Object.keys(packageJson.exports).filter((path) => path !== './package.json');
    const exported = await Promise.all(
      paths.map(async (path) => {
        const name = `@tenon/credentials${path.slice(1)}`;
        return [name, Object.keys((await import(name)) as object)] as const;
      }),
    );
    for (const [index, { text }] of examples.entries()) {
      const uses = (name: string): boolean =>
        new RegExp(`(?<![.'\\w])${name}\\b(?!:)`).test(text) && !new RegExp(`const ${name}\\b`).test(text);
      // `database` is a kind where it is called, and otherwise a connection.
      const isImported = (name: string): boolean => uses(name) && (name !== 'database' || text.includes('database('));
      const imports = [...exported, ...Object.entries(modules)].flatMap(([name, names]) => {
        const used = names.filter((one) => isImported(one));
        return used.length === 0 ? [] : [`import { ${used.join(', ')} } from '${name}';`];
      });
      const declared = Object.entries(around)
        .filter(([name]) => uses(name) && !(name === 'database' && isImported(name)))
        .map(([name, type]) => `declare const ${name}: ${type};`);
      writeFileSync(join(outside, `example-${index}.ts`), [...imports, ...declared, text, 'export {};'].join('\n'));
    }
    symlinkSync(join(root, 'node_modules'), join(outside, 'node_modules'));
    writeFileSync(join(outside, 'package.json'), '{ "type": "module" }');
    const compilerOptions = {
      composite: false,
      incremental: false,
      isolatedDeclarations: false,
      noEmit: true,
      rootDir: '/',
    };
    const extended = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
    writeFileSync(join(outside, 'tsconfig.json'), JSON.stringify(extended));
    const compiler = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await promisify(execFile)(compiler, ['-p', outside]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});
