import { isCodedError, type JsonValue } from '@tenon/core';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { CredentialKind } from '../kinds/define-kind.ts';
import { CredentialMaterial } from '../kinds/material.ts';
import { sourceError } from './source-error.ts';

/** A secret as a source keeps it, for a function that makes a credential of it. */
export interface SourceSecret extends SecretContent {
  /**
   * One of its fields as text.
   *
   * @throws `CREDENTIAL_INVALID` when there is no such field, or it is not text, a number or a truth value
   */
  readonly field: (name: string) => string;
}

/** What is in a secret of a source. */
export interface SecretContent {
  /** Its named fields; none for a secret that has no fields. */
  readonly fields: Readonly<Record<string, JsonValue>>;
  /** The whole of a secret that is text without fields. */
  readonly text?: string;
  /** Fields that are not text, by name. */
  readonly binary: Readonly<Record<string, Uint8Array>>;
}

/** Makes the material of a credential out of a secret of a source. What it throws is not repeated: it may quote the secret. */
export type MaterialMapping = (secret: SourceSecret, key: CredentialKey) => CredentialMaterial;

/** What {@link materialOf} goes by. */
export interface MaterialRules {
  readonly source: string;
  readonly kind: CredentialKind | undefined;
  readonly material: MaterialMapping | undefined;
}

const KIND_NAME = /^[a-z0-9-]{1,64}$/;

/** @throws `CREDENTIAL_INVALID` when a secret cannot be taken for a credential; nothing of it is in the error */
export function materialOf(rules: MaterialRules, content: SecretContent, key: CredentialKey): CredentialMaterial {
  if (rules.material === undefined) return byFields(rules, content);
  try {
    const material = rules.material({ ...content, field: (name) => fieldOf(rules, content, name) }, key);
    if (material instanceof CredentialMaterial) return material;
  } catch (error) {
    if (isCodedError(error)) throw error;
    throw invalid(rules, 'has a secret that the option "material" cannot make a credential of');
  }
  throw invalid(rules, 'was given an option "material" that did not return the material of a credential');
}

function fieldOf(rules: MaterialRules, { fields }: SecretContent, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw invalid(rules, `has a secret whose field "${name}" is not there, or is not text`);
}

function byFields({ source, kind }: MaterialRules, { fields, text, binary }: SecretContent): CredentialMaterial {
  const { kind: named, ...rest } = fields;
  if (typeof named === 'string' && KIND_NAME.test(named)) return new CredentialMaterial(named, rest);
  if (kind === undefined) {
    throw invalid({ source }, 'has a secret that does not say its kind: give it a field "kind", or the source one');
  }
  const { name, schema } = kind.definition;
  if (Object.keys(binary).length > 0) {
    throw invalid({ source }, 'has a secret that is not text: give the source the option "material"');
  }
  if (text === undefined) return new CredentialMaterial(name, fields);
  const [only, ...more] = Object.keys(schema.properties);
  if (only !== undefined && more.length === 0) return new CredentialMaterial(name, { [only]: text });
  throw invalid({ source }, `has a secret without fields, and a credential of the kind "${name}" has several`);
}

function invalid({ source }: Pick<MaterialRules, 'source'>, what: string): Error {
  return sourceError('CREDENTIAL_INVALID', source, what);
}
