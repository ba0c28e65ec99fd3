import { REDACTED, type InputProblem } from '@tenon/core';
import { Compile, type Validator } from 'typebox/compile';
import { credentialError } from '../errors.ts';
import type { AnyKindDefinition, CredentialKind } from './define-kind.ts';
import { CredentialMaterial, plainMaterial } from './material.ts';

/** The kinds that one vault knows. */
export interface KindRegistry {
  /**
   * What the material holds, as it will be opened, checked: its form, and that it can be handed out.
   *
   * @throws `CREDENTIAL_KIND_UNKNOWN`; `CREDENTIAL_INVALID` with all problems in `details.problems` and no value
   */
  read(material: CredentialMaterial): { readonly kind: AnyKindDefinition; readonly plain: object };
  /** @throws `CREDENTIAL_KIND_UNKNOWN` */
  get(name: string): AnyKindDefinition;
  /** Whether there is a kind of this name. */
  knows(name: string): boolean;
  /** Whether opened material has the form of its kind. */
  fits(kind: AnyKindDefinition, plain: unknown): plain is object;
}

/** @throws `CREDENTIALS_OPTIONS_INVALID` when two kinds have one name */
export function createKindRegistry(kinds: readonly CredentialKind[]): KindRegistry {
  const byName = new Map<string, AnyKindDefinition>();
  for (const { definition } of kinds) {
    const known = byName.get(definition.name);
    if (known !== undefined && known !== definition) {
      throw credentialError('CREDENTIALS_OPTIONS_INVALID', `two kinds of credential are called "${definition.name}"`);
    }
    byName.set(definition.name, definition);
  }
  // Compiled at first use: a vault of one kind need not pay for all.
  const validators = new Map<string, Validator>();
  const validatorOf = (kind: AnyKindDefinition): Validator => {
    let validator = validators.get(kind.name);
    if (validator === undefined) validators.set(kind.name, (validator = Compile(kind.schema)));
    return validator;
  };
  const get = (name: string): AnyKindDefinition => {
    const kind = byName.get(name);
    if (kind !== undefined) return kind;
    throw credentialError(
      'CREDENTIAL_KIND_UNKNOWN',
      `this vault knows no kind of credential called "${name.slice(0, 64)}": give it to the builder with kind()`,
      { details: { kind: name.slice(0, 64) } },
    );
  };

  return {
    get,
    knows: (name) => byName.has(name),
    fits: (kind, plain): plain is object => validatorOf(kind).Check(plain),
    read(material) {
      if (!(material instanceof CredentialMaterial)) throw noMaterial();
      const kind = get(material.kind);
      const text = toJson(kind.name, plainMaterial(material));
      // What is checked is what will be opened, and nobody else can change it any more.
      const plain = JSON.parse(text) as object;
      const validator = validatorOf(kind);
      if (!validator.Check(plain)) throw materialInvalid(kind.name, problemsOf(validator, plain));
      if (text.includes(REDACTED)) throw redacted(kind.name);
      // What a consumer could not be given is not stored either.
      kind.secret(plain);
      kind.value(plain);
      return { kind, plain };
    },
  };
}

function toJson(kind: string, plain: object | undefined): string {
  try {
    return JSON.stringify(plain) ?? 'null';
  } catch {
    throw materialInvalid(kind, [{ path: '', code: 'not_json', message: 'must be data that JSON can hold' }]);
  }
}

function problemsOf(validator: Validator, plain: object): readonly InputProblem[] {
  return (
    validator
      .Errors(plain)
      // Of what is too much, its parent tells: its own name may be anything, a secret as well.
      .filter(({ keyword }) => keyword !== 'boolean')
      .map(({ instancePath, keyword, message }) => ({ path: instancePath, code: keyword, message }))
  );
}

function materialInvalid(kind: string, problems: readonly InputProblem[]): Error {
  const places = problems.map(({ path, message }) => `${path === '' ? 'the material' : path} ${message}`).join('; ');
  return credentialError(
    'CREDENTIAL_INVALID',
    `this is no material of the kind "${kind}"${places === '' ? '' : `: ${places}`}`,
    { details: { kind, problems } },
  );
}

function noMaterial(): Error {
  return credentialError(
    'CREDENTIAL_INVALID',
    'this is no material: make it with a kind, such as apiKey(key), and never store a secret as plain text',
  );
}

function redacted(kind: string): Error {
  return credentialError(
    'CREDENTIAL_INVALID',
    `this material of the kind "${kind}" holds ${REDACTED}, which is what a secret is printed as: give its real value, plain`,
    { details: { kind } },
  );
}
