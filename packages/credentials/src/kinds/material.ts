import { inspect } from 'node:util';
import { isSecret, REDACTED, type Secret } from '@tenon/core';

const plainOf = new WeakMap<CredentialMaterial, object>();

/** The secret content of one credential, of one kind, ready to be stored. It prints as `[secret]`; only a vault reads it. */
export class CredentialMaterial {
  /** The name of its kind. */
  readonly kind: string;

  /**
   * @param kind - the name of its kind
   * @param plain - JSON data, checked by the vault against the kind's schema
   */
  constructor(kind: string, plain: object) {
    this.kind = kind;
    plainOf.set(this, plain);
    Object.freeze(this);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }
}

// Defined here, because a computed name inside the class has no declared type for isolated declarations.
Object.defineProperty(CredentialMaterial.prototype, inspect.custom, {
  value(this: CredentialMaterial): string {
    return `CredentialMaterial { kind: ${inspect(this.kind)} }`;
  },
});

/** The plain content. For this package alone. */
export function plainMaterial(material: CredentialMaterial): object | undefined {
  return plainOf.get(material);
}

/** The text of a secret, given as such or in plain. */
export function plainText(given: Secret | string): string {
  return isSecret(given) ? given.reveal() : given;
}
