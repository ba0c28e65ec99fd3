import { credentialError } from '../errors.ts';
import { assertCredentialId } from '../identity/credential-id.ts';
import { assertScope, covers } from '../identity/scope.ts';
import { isKindName } from '../kinds/define-kind.ts';
import type { StoragePage, StorageQuery } from '../storage/credential-storage.ts';
import { tagProblems } from './check-store-options.ts';
import { toInfo, type CredentialInfo } from './credential.ts';
import { measured } from './measured.ts';
import { scopeRequired, type Viewer } from './resolve-key.ts';
import { administered } from './store.ts';
import { tenantMismatch, tenantOf, type VaultParts } from './vault-parts.ts';

/** Which credentials {@link CredentialVault.list} gives. All that is given must fit. */
export interface CredentialFilter {
  /** This scope and all below it. Default: the view's, or the vault's `defaultScope`. */
  readonly scope?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** The name of a kind. */
  readonly kind?: string;
  readonly createdFrom?: Date;
  readonly createdTo?: Date;
  /** Whose material ends before this moment. */
  readonly expiresBefore?: Date;
  /** Goes on behind this one: the last of the page before. */
  readonly after?: { readonly scope: string; readonly id: string };
  /** How many, 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** One page of credentials, by scope and then by id. */
export interface CredentialPage {
  readonly items: readonly CredentialInfo[];
  readonly hasMore: boolean;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** One page of what the viewer may know of. */
export async function list(parts: VaultParts, viewer: Viewer, filter: CredentialFilter = {}): Promise<CredentialPage> {
  const query = await toQuery(parts, viewer, filter);
  if (query === undefined) return Object.freeze({ items: Object.freeze([]), hasMore: false });
  const { items, hasMore } = await readPage(parts, viewer, query);
  return Object.freeze({ items: Object.freeze(items.map(toInfo)), hasMore });
}

/** All of it, a page at a time. */
export async function* listAll(
  parts: VaultParts,
  viewer: Viewer,
  filter: Omit<CredentialFilter, 'after'> = {},
): AsyncGenerator<CredentialInfo, void> {
  let query: StorageQuery | undefined = await toQuery(parts, viewer, filter);
  while (query !== undefined) {
    // Whoever iterates may have taken the list along into the work of another tenant.
    if (tenantOf(parts) !== query.tenant) throw tenantMismatch('this list was begun for one tenant');
    const { items, hasMore }: StoragePage = await readPage(parts, viewer, query);
    for (const item of items) yield toInfo(item);
    const last = items.at(-1);
    query = hasMore && last !== undefined ? { ...query, after: { scope: last.key.scope, id: last.key.id } } : undefined;
  }
}

async function readPage(parts: VaultParts, viewer: Viewer, query: StorageQuery): Promise<StoragePage> {
  const page = await measured(parts, 'list', () => parts.storage.list(query));
  const details = { within: query.within ?? '', count: page.items.length, ...administered(viewer).details };
  await parts.audit.note({ action: 'list', tenant: query.tenant, details }, { outcome: 'succeeded' });
  // What a driver gives is looked at once more: a mistake there must not show another tenant or scope.
  const mayShow = ({ key }: StoragePage['items'][number]): boolean =>
    key.tenant === query.tenant && (query.within === undefined || covers(query.within, key.scope));
  return { ...page, items: page.items.filter(mayShow) };
}

/** @returns `undefined` when the viewer may see nothing of it */
async function toQuery(parts: VaultParts, viewer: Viewer, filter: CredentialFilter): Promise<StorageQuery | undefined> {
  const tenant = tenantOf(parts);
  const rest = checkFilter(filter);
  const within = filter.scope ?? viewer.scope ?? defaultScopeOf(parts, viewer);
  if (within === undefined) return { tenant, ...rest };
  assertScope(within);
  if (viewer.scope === undefined || covers(viewer.scope, within)) return { tenant, within, ...rest };
  const place = { scope: within, actingFrom: viewer.scope };
  parts.logger.warn(
    { securityEvent: 'credential.scope-violation', ...place },
    'credentials outside of the scope were asked for',
  );
  const details = { within, actingFrom: viewer.scope };
  await parts.audit.note({ action: 'list', tenant, details }, { outcome: 'denied' });
  return undefined;
}

function checkFilter(filter: CredentialFilter): Omit<StorageQuery, 'tenant' | 'within'> {
  const { tags, kind, after, limit = DEFAULT_LIMIT } = filter;
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)) {
    throw invalid(`limit must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  const [problem] = tags === undefined ? [] : tagProblems(tags);
  if (problem !== undefined) throw invalid(`tags ${problem.message}`);
  if (kind !== undefined && !isKindName(kind)) throw invalid('kind must be the name of a kind of credential');
  if (after !== undefined) {
    assertScope(after.scope);
    assertCredentialId(after.id);
  }
  return {
    ...(tags === undefined ? {} : { tags: { ...tags } }),
    ...(kind === undefined ? {} : { kind }),
    ...moment('createdFrom', filter.createdFrom),
    ...moment('createdTo', filter.createdTo),
    ...moment('expiresBefore', filter.expiresBefore),
    ...(after === undefined ? {} : { after: { scope: after.scope, id: after.id } }),
    limit,
  };
}

// Only an administrator sees what lies in every scope, and says so by being one.
function defaultScopeOf(parts: VaultParts, viewer: Viewer): string | undefined {
  if (viewer.administrator !== undefined) return undefined;
  if (parts.defaultScope === undefined) throw scopeRequired('list');
  return parts.defaultScope;
}

function moment<Name extends string>(name: Name, value: Date | undefined): { readonly [key in Name]?: number } {
  if (value === undefined) return {};
  const atMs = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(atMs)) throw invalid(`${name} must be a valid Date`);
  return { [name]: atMs } as { readonly [key in Name]?: number };
}

function invalid(why: string): Error {
  return credentialError('CREDENTIAL_INVALID', `the credentials cannot be listed like this: ${why}`);
}
