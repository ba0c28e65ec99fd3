import type { Selectable } from 'kysely';
import type { ApiKeyRow } from '../tables.ts';
import type { ApiKey } from './api-key.ts';

/** A row of `api_keys` as it is read. */
export type StoredApiKey = Selectable<ApiKeyRow>;

/** The key as people see it: without its hash. */
export function toApiKey(row: StoredApiKey): ApiKey {
  return Object.freeze({
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: Object.freeze([...row.scopes]),
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  });
}
