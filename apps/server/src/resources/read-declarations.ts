import { readFileSync } from 'node:fs';
import { toError } from '@tenon/core';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { serverError } from '../errors.ts';
import type { Environment } from '../settings/load-settings.ts';
import { substitute } from './substitute.ts';

const closed = { additionalProperties: false } as const;
const object = Type.Record(Type.String(), Type.Unknown());
const Place = Type.Object({ id: Type.String({ minLength: 1 }), scope: Type.Optional(Type.String()) }, closed);
const parts = {
  settings: Type.Optional(object),
  credentials: Type.Optional(Type.Record(Type.String(), Place)),
  pool: Type.Optional(object),
  health: Type.Optional(object),
};
const Declaration = Type.Object(
  {
    technology: Type.String(),
    ...parts,
    tenants: Type.Optional(Type.Record(Type.String(), Type.Object(parts, closed))),
  },
  closed,
);
const File = Type.Object(
  { resources: Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }), Declaration) },
  closed,
);
const file = Compile(File);

/** A resource as a file declares it: for everybody, and where it is different for a tenant. */
export type ResourceDeclaration = Static<typeof Declaration>;

/** What a file declares, by name. */
export type ResourceDeclarations = Readonly<Record<string, ResourceDeclaration>>;

/**
 * Reads the resources that a JSON file declares. `${NAME}` and `${NAME:default}` in settings become variables of the environment.
 *
 * @throws `RESOURCES_INVALID` with everything that is wrong, by its place in the file, and no value
 */
export function readDeclarations(path: string, environment: Environment): ResourceDeclarations {
  const given = parse(path);
  if (!file.Check(given)) {
    const problems = file.Errors(given).map(({ instancePath, message }) => `${instancePath || 'the file'} ${message}`);
    throw declarationsInvalid(path, problems);
  }
  const problems: string[] = [];
  const fill = <Part extends { settings?: Record<string, unknown> }>(part: Part, at: string): Part =>
    part.settings === undefined
      ? part
      : { ...part, settings: substitute(part.settings, environment, `${at}/settings`, problems) };
  const filled = Object.entries(given.resources).map(([name, declaration]) => {
    const at = `/resources/${name}`;
    const tenants = Object.entries(declaration.tenants ?? {}).map(
      ([tenant, own]) => [tenant, fill(own, `${at}/tenants/${tenant}`)] as const,
    );
    return [name, { ...fill(declaration, at), tenants: Object.fromEntries(tenants) }] as const;
  });
  if (problems.length > 0) throw declarationsInvalid(path, problems);
  return Object.fromEntries(filled);
}

function parse(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw declarationsInvalid(path, [`it cannot be read: ${toError(error).message}`]);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes what it could not read.
    throw declarationsInvalid(path, ['it is not JSON']);
  }
}

/** The failure of a file of resources. @param problems - what is wrong, each with its place */
export function declarationsInvalid(path: string, problems: readonly string[]): Error {
  return serverError(
    'RESOURCES_INVALID',
    `the resources in "${path}" cannot be used:\n${problems.map((one) => `  ${one}`).join('\n')}`,
    {
      details: { problems: [...problems] },
    },
  );
}
