import type { Secret } from '@tenon/core';

/** A kind of credential, as `@tenon/credentials` defines them. */
export interface SlotKind<Value extends object = object> {
  readonly definition: { readonly name: string; value(material: object): Value };
}

/** A place for one credential of a resource. */
export interface CredentialSlot<Value extends object = object> {
  /** Its kind, or the name of it; with several names, any of them. */
  readonly kind: SlotKind<Value> | string | readonly string[];
  /** Its id among the credentials of the tenant. */
  readonly id: string;
  /** Its scope among the credentials of the tenant. Default: that of the vault. */
  readonly scope?: string;
}

/** The slots of a resource, by name. */
export type CredentialSlots = Readonly<Record<string, CredentialSlot>>;

/** A credential as it lies in its slot. */
export interface SlotCredential<Value extends object = object> {
  readonly kind: string;
  readonly version: number;
  readonly secret: Secret;
  /** What its kind shows besides the secret. */
  readonly value: Value;
  readonly expiresAt: Date | undefined;
}

/** A credential in each slot. */
export type FilledSlots<Slots extends CredentialSlots> = {
  readonly [Name in keyof Slots]: Slots[Name]['kind'] extends SlotKind<infer Value>
    ? SlotCredential<Value>
    : SlotCredential;
};

/** Where credentials come from. A vault of `@tenon/credentials` is one. The tenant is that of the context. */
export interface CredentialReader {
  /** @returns `undefined` when there is none, or none that the tenant may know of */
  retrieve(reference: { readonly scope?: string; readonly id: string }): Promise<SlotCredential | undefined>;
}

/** The names of the kinds that a slot takes. */
export function kindNames({ kind }: CredentialSlot): readonly string[] {
  if (typeof kind === 'string') return [kind];
  return 'definition' in kind ? [kind.definition.name] : kind;
}
