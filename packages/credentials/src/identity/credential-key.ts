import { isTenantId } from '@tenon/core';
import { isCredentialId } from './credential-id.ts';
import { scopeProblem } from './scope.ts';

/** Where the caller finds a credential. The tenant comes from the context, never from here. */
export interface CredentialReference {
  /** For example `org:acme/team:eng`. Default: the scope of the view, or the vault's `defaultScope`. */
  readonly scope?: string;
  /** 1 to 255 ASCII letters, digits, `_` or `-`; unique in its scope. */
  readonly id: string;
}

/** The whole identity of a credential: in storage, cache, locks, audit and metrics. */
export interface CredentialKey {
  readonly tenant: string;
  readonly scope: string;
  readonly id: string;
}

/** The one text form of a key. No part can hold `|`, so different keys never have the same text. */
export function keyText({ tenant, scope, id }: CredentialKey): string {
  return `${tenant}|${scope}|${id}`;
}

/** Reads what {@link keyText} wrote; `undefined` for anything else. */
export function parseKeyText(text: string): CredentialKey | undefined {
  const [tenant, scope, id, ...more] = text.split('|');
  if (tenant === undefined || scope === undefined || !isTenantId(tenant) || more.length > 0) return undefined;
  return scopeProblem(scope) === undefined && isCredentialId(id) ? { tenant, scope, id } : undefined;
}
