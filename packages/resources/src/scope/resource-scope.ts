import { resourceError, type ResourceError } from '../errors.ts';

/**
 * For whom a resource is: a chain from wide to narrow, in which each part carries those above it. `{}` is global. A part that is
 * missing is never a wild card: `{ execution: 'e1' }` lies in no tenant.
 */
export interface ResourceScope {
  readonly tenant?: string;
  readonly workflow?: string;
  readonly execution?: string;
  readonly action?: string;
  /** A scope of the application's own. It contains only what names the same one, attributes included. */
  readonly custom?: { readonly name: string; readonly attributes?: Readonly<Record<string, string>> };
}

/** The scope of whatever belongs to nobody in particular. */
export const globalScope: ResourceScope = Object.freeze({});

/** The levels of a scope, from wide to narrow. */
export const scopeLevels = ['tenant', 'workflow', 'execution', 'action'] as const;

/** One level of a scope. */
export type ScopeLevel = (typeof scopeLevels)[number];

const MAX_LENGTH = 255;
/** What stays as it is when it is encoded. */
const PLAIN = /^[\w.-]*$/;

/**
 * The one text form of a scope: `global`, or `tenant=acme/workflow=w1`. Different scopes never have the same text.
 *
 * @throws `RESOURCE_SCOPE_INVALID` when a part is empty, too long or no text
 */
export function scopeKey(scope: ResourceScope): string {
  let key = '';
  for (const level of scopeLevels) {
    const id = scope[level];
    if (id !== undefined) key += `${key === '' ? '' : '/'}${level}=${encoded(level, id)}`;
  }
  if (scope.custom !== undefined) key += `${key === '' ? '' : '/'}${customKey(scope.custom)}`;
  return key === '' ? 'global' : key;
}

function customKey({ name, attributes = {} }: NonNullable<ResourceScope['custom']>): string {
  const sorted = Object.entries(attributes).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const pairs = sorted.map(([key, value]) => `${encoded('custom', key)}:${encoded('custom', value, 0)}`);
  return `custom=${encoded('custom', name)}(${pairs.join(',')})`;
}

function encoded(level: string, id: unknown, minLength = 1): string {
  if (typeof id !== 'string' || id.length < minLength || id.length > MAX_LENGTH) throw invalid(level);
  if (PLAIN.test(id)) return id;
  try {
    // It leaves "(" and ")" as they are, which stand around attributes here.
    return encodeURIComponent(id).replaceAll('(', '%28').replaceAll(')', '%29');
  } catch {
    throw invalid(level);
  }
}

function invalid(level: string): ResourceError {
  return resourceError(
    'RESOURCE_SCOPE_INVALID',
    `this cannot be a scope: its "${level}" must be valid text of 1 to ${MAX_LENGTH} characters`,
    { details: { level } },
  );
}

/**
 * Tells whether `inner` lies in `outer`: every part that `outer` names is the same in `inner`. What `inner` does not say is not
 * in it, so that a forgotten part denies and never allows.
 */
export function scopeContains(outer: ResourceScope, inner: ResourceScope): boolean {
  if (scopeLevels.some((level) => outer[level] !== undefined && outer[level] !== inner[level])) return false;
  if (outer.custom === undefined) return true;
  return inner.custom !== undefined && customKey(outer.custom) === customKey(inner.custom);
}

/** How narrow a scope is: the number of the parts that it names. */
export function scopeDepth(scope: ResourceScope): number {
  return scopeLevels.filter((level) => scope[level] !== undefined).length + (scope.custom === undefined ? 0 : 1);
}

/**
 * The part of a scope that decides with whom instances are shared: everything down to a level. With `none`, everybody shares.
 *
 * @param level - `action`: the whole scope, its custom part included
 */
export function sharedScope(scope: ResourceScope, level: ScopeLevel | 'none'): ResourceScope {
  if (level === 'none') return globalScope;
  if (level === 'action') return scope;
  // Nearly always.
  if (level === 'tenant') return scope.tenant === undefined ? globalScope : { tenant: scope.tenant };
  const wanted = scopeLevels.slice(0, scopeLevels.indexOf(level) + 1);
  return Object.fromEntries(wanted.flatMap((each) => (scope[each] === undefined ? [] : [[each, scope[each]]])));
}
