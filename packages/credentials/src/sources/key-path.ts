import type { CredentialKey } from '../identity/credential-key.ts';

/**
 * Where a credential lies in a source of paths, unless the operator says otherwise: `prefix/tenant/scope/id`, for example
 * `tenon/credentials/acme/org:acme/team:eng/github`.
 *
 * Different keys have different paths: the tenant has no `/` and comes first, the id has none and comes last, and what is between them is the scope.
 *
 * @param prefix - goes before all, without `/` at its ends; empty: nothing does
 */
export function keyPath(prefix: string, { tenant, scope, id }: CredentialKey): string {
  return `${prefix === '' ? '' : `${prefix}/`}${tenant}/${scope}/${id}`;
}

// Also the dot segments, which whoever reads an address may resolve: they would lead to another secret.
const WRONG_SEGMENT = /^\.{0,2}$/;
// oxlint-disable-next-line no-control-regex -- these are what a path must not hold
const WRONG_CHARACTERS = /[\u0000-\u001f\u007f]/;

/** Tells whether text is a path of segments: none of them empty, `.` or `..`, and without control characters. */
export function isPlainPath(text: unknown): text is string {
  if (typeof text !== 'string' || WRONG_CHARACTERS.test(text) || !text.isWellFormed()) return false;
  return !text.split('/').some((segment) => WRONG_SEGMENT.test(segment));
}
