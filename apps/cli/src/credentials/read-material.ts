import { readFileSync } from 'node:fs';
import type { Secret } from '@tenon/core';
import type { CredentialKind, CredentialMaterial } from '@tenon/credentials';
import type { Cli } from '../cli.ts';
import { cliError } from '../errors.ts';
import { readSecret } from '../read-input.ts';
import { credentialFailure } from './credential-failure.ts';
import { furtherSecretFields, secretFields, type KindName } from './credential-kinds.ts';

/** How the command line gives material. */
export interface MaterialOptions {
  readonly secretStdin?: boolean;
  readonly field?: readonly string[];
  readonly file?: string;
}

/** Material as it was given, before its kind is known. */
export type GivenMaterial =
  | { readonly whole: object }
  | { readonly secret: Secret; readonly fields: Readonly<Record<string, string>> };

/**
 * Reads material from where the command line says. What it says itself is never the secret: every process on the machine can read that.
 *
 * @throws `USAGE_INVALID` when it says no place; `CREDENTIAL_INVALID` when there is nothing, or what is there is not JSON
 */
export async function readMaterial(cli: Cli, options: MaterialOptions): Promise<GivenMaterial> {
  const fields = readFields(options.field ?? []);
  if (options.file !== undefined) return { whole: parseWhole(await readWhole(cli, options.file), options.file) };
  if (options.secretStdin !== true) {
    throw cliError('USAGE_INVALID', 'the secret is missing: pipe it in with --secret-stdin, or name a --file');
  }
  const secret = await readSecret(cli);
  if (secret !== undefined) return { secret, fields };
  throw credentialFailure(
    'CREDENTIAL_INVALID',
    '--secret-stdin was given, and standard input is empty: pipe the secret in',
  );
}

/**
 * Makes material of what was given.
 *
 * @param known - fields that hold unless others were given
 * @throws `USAGE_INVALID` for fields that the kind does not have, or that are secret
 */
export async function toMaterial(
  kind: KindName,
  given: GivenMaterial,
  known: object = {},
): Promise<CredentialMaterial> {
  const { CredentialMaterial: Material, keyPair, builtInKinds } = await import('@tenon/credentials');
  if ('whole' in given) return new Material(kind, given.whole);
  const schemas = propertiesOf(builtInKinds, kind);
  const fields = { ...known, ...typed(kind, given.fields, schemas) };
  // The public key follows from the private one.
  if (kind === 'key-pair') return keyPair(given.secret, (fields as { readonly publicKey?: string }).publicKey);
  const unsaid = kind === 'oauth2' ? { tokenType: 'Bearer', scopes: [] } : {};
  return new Material(kind, { ...unsaid, ...fields, [secretFields[kind]]: given.secret.reveal() });
}

/** The names of the fields of a kind that are not secret. */
export async function plainFieldsOf(kind: KindName): Promise<readonly string[]> {
  const { builtInKinds } = await import('@tenon/credentials');
  return plainNames(kind, propertiesOf(builtInKinds, kind));
}

// No message repeats what stands on either side: it may be a secret that was given in the wrong place.
function readFields(pairs: readonly string[]): Readonly<Record<string, string>> {
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw cliError('USAGE_INVALID', 'a --field is written as name=value');
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(entries);
}

async function readWhole(cli: Cli, file: string): Promise<string> {
  if (file === '-') return (await readSecret(cli))?.reveal() ?? '';
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw credentialFailure('CREDENTIAL_INVALID', `the file "${file}" cannot be read (${code})`);
  }
}

function parseWhole(text: string, file: string): object {
  const name = file === '-' ? 'standard input' : `"${file}"`;
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    // What the parser says quotes the text.
    throw credentialFailure('CREDENTIAL_INVALID', `${name} is not JSON`);
  }
  if (typeof whole === 'object' && whole !== null && !Array.isArray(whole)) return whole;
  throw credentialFailure('CREDENTIAL_INVALID', `${name} must hold one JSON object with the fields of the kind`);
}

type Properties = Readonly<Record<string, { readonly type?: unknown }>>;

function propertiesOf(kinds: readonly CredentialKind[], kind: KindName): Properties {
  return kinds.find(({ definition }) => definition.name === kind)?.definition.schema.properties ?? {};
}

function plainNames(kind: KindName, schemas: Properties): readonly string[] {
  return Object.keys(schemas).filter((name) => name !== secretFields[kind] && !furtherSecretFields.includes(name));
}

function typed(kind: KindName, fields: Readonly<Record<string, string>>, schemas: Properties): object {
  const names = plainNames(kind, schemas);
  const entries = Object.entries(fields).map(([name, text]) => {
    if (names.includes(name)) return [name, toType(text, schemas[name]?.type)] as const;
    const isSecret = Object.hasOwn(schemas, name);
    throw cliError(
      'USAGE_INVALID',
      isSecret
        ? `the field "${name}" of the kind "${kind}" is secret: pipe it in with --secret-stdin, or name a --file, and change it if it was real`
        : `the kind "${kind}" has ${names.length === 0 ? 'no fields beside its secret' : `these fields beside its secret: ${names.join(', ')}`}`,
    );
  });
  return Object.fromEntries(entries);
}

function toType(text: string, type: unknown): unknown {
  if (type === 'integer') return /^\d{1,15}$/.test(text) ? Number(text) : text;
  return type === 'array' ? text.split(/[ ,]+/).filter((part) => part !== '') : text;
}
