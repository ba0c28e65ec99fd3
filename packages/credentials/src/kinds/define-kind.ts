import { isCodedError, Secret } from '@tenon/core';
import type { Static, TObject } from 'typebox';
import { credentialError } from '../errors.ts';
import { CredentialMaterial } from './material.ts';

/** What {@link defineKind} takes. */
export interface KindDefinition<Schema extends TObject, Value extends object, Given extends readonly unknown[]> {
  /** 1 to 64 of `a-z 0-9 -`, stable for ever: it is stored with each credential. */
  readonly name: string;
  /** What the material must look like; it is checked before it is sealed and after it is opened. */
  readonly schema: Schema;
  /** Makes the material from what people hand over. Secrets may come as `Secret` or plain. */
  readonly from: (...given: Given) => Static<Schema>;
  /** The one secret that most users want: the key, the password, the token. */
  readonly secret: (material: Static<Schema>) => string;
  /** What consumers receive besides it: names and numbers plain, secrets as `Secret`. Never what only refreshing needs. */
  readonly value: (material: Static<Schema>) => Value;
  /** When the material says itself that it ends. Default: it does not. */
  readonly expiresAt?: (material: Static<Schema>) => Date | undefined;
}

/**
 * A kind of credential. Called, it makes material to store; given to `retrieve`, it says what is expected to come back.
 *
 * @typeParam Value - what consumers receive
 * @typeParam Given - what it is called with
 */
export interface CredentialKind<Value extends object = object, Given extends readonly unknown[] = never> {
  (...given: Given): CredentialMaterial;
  readonly definition: AnyKindDefinition<Value>;
}

/** A kind's definition, whatever its material looks like. */
export interface AnyKindDefinition<Value extends object = object> {
  readonly name: string;
  readonly schema: TObject;
  secret(material: object): Secret;
  value(material: object): Value;
  expiresAt(material: object): Date | undefined;
}

const NAME = /^[a-z0-9-]{1,64}$/;

/** Tells whether text can be the name of a kind: 1 to 64 of `a-z 0-9 -`. */
export function isKindName(text: unknown): text is string {
  return typeof text === 'string' && NAME.test(text);
}

/**
 * Defines a kind of credential of one's own.
 *
 * @example
 * ```ts
 * const smtp = defineKind({
 *   name: 'smtp',
 *   schema: Type.Object({ host: Type.String(), password: Type.String() }),
 *   from: (host: string, password: string) => ({ host, password }),
 *   secret: ({ password }) => password,
 *   value: ({ host }) => ({ host }),
 * });
 * await vault.store({ scope: 'org:acme', id: 'mail' }, smtp('mail.acme.example', 'hunter2'));
 * const mail = await vault.retrieve({ scope: 'org:acme', id: 'mail' }, { kind: smtp });
 * if (mail !== undefined) await send(mail.value.host, mail.secret.reveal());
 * ```
 * @throws `CREDENTIALS_OPTIONS_INVALID` when the name is malformed
 */
export function defineKind<Schema extends TObject, Value extends object, Given extends readonly unknown[]>(
  definition: KindDefinition<Schema, Value, Given>,
): CredentialKind<Value, Given> {
  const { name, schema } = definition;
  if (!isKindName(name)) {
    throw credentialError(
      'CREDENTIALS_OPTIONS_INVALID',
      'the name of a kind of credential is 1 to 64 of a-z, 0-9 and "-"',
      { details: { name: String(name).slice(0, 64) } },
    );
  }
  // The vault gives only material that passed the schema.
  const typed = (material: object): Static<Schema> => material as Static<Schema>;
  const known: AnyKindDefinition<Value> = Object.freeze({
    name,
    schema,
    secret: (material: object) => guarded(name, () => new Secret(definition.secret(typed(material)))),
    value: (material: object) => guarded(name, () => definition.value(typed(material))),
    expiresAt: (material: object) => guarded(name, () => checkedDate(definition.expiresAt?.(typed(material)))),
  });
  const make = (...given: Given): CredentialMaterial =>
    new CredentialMaterial(
      name,
      guarded(name, () => definition.from(...given) as object),
    );
  return Object.freeze(Object.assign(make, { definition: known }));
}

function checkedDate(date: Date | undefined): Date | undefined {
  if (date !== undefined && Number.isNaN(date.getTime())) throw new RangeError('not a date');
  return date;
}

// What a parser of keys or certificates throws may quote what it was given.
function guarded<T>(kind: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isCodedError(error)) throw error;
    throw credentialError('CREDENTIAL_INVALID', `this is no material of the kind "${kind}": it cannot be read`, {
      details: { kind },
    });
  }
}

/** A secret as people may hand it over. */
export type SecretInput = Secret | string;
