import { timingSafeEqual } from 'node:crypto';
import { toError, type Secret } from '@tenon/core';
import type { Database } from '@tenon/database';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import type { AuthTables } from '../tables.ts';
import { parseApiKey } from './api-key-text.ts';
import type { ApiKeyClaims } from './api-key.ts';

/** A key that has not been revoked, as this process remembers it. */
export interface LiveApiKey {
  readonly claims: ApiKeyClaims;
  readonly keyHash: Uint8Array;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
  /** Epoch milliseconds; moved on by this process when it writes it. */
  lastUsedAtMs: number;
}

const WRITE_USE_EVERY_MS = 60_000;

/** Reads the keys of a prefix that have not been revoked, in whatever tenant: nearly always one or none. */
export async function findLiveApiKeys(database: Database<AuthTables>, prefix: string): Promise<readonly LiveApiKey[]> {
  const rows = await database.withSystem('api-key-check', (tx) =>
    tx.selectFrom('api_keys').selectAll().where('prefix', '=', prefix).where('revoked_at', 'is', null).execute(),
  );
  return rows.map((row) => ({
    claims: Object.freeze({
      tenantId: row.tenant_id,
      keyId: row.id,
      name: row.name,
      scopes: Object.freeze([...row.scopes]),
    }),
    keyHash: row.key_hash,
    expiresAtMs: row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY,
    lastUsedAtMs: row.last_used_at?.getTime() ?? Number.NEGATIVE_INFINITY,
  }));
}

/** Finds out whose key a text is. */
export async function verifyApiKey(parts: AuthParts, key: Secret | string): Promise<ApiKeyClaims> {
  const parsed = parseApiKey(key);
  const nowMs = parts.config.clock.now();
  const candidates = parsed === undefined ? [] : await parts.liveApiKeys.get(parsed.prefix);
  const found = candidates.find(({ keyHash }) => parsed !== undefined && timingSafeEqual(keyHash, parsed.keyHash));
  if (found === undefined || nowMs >= found.expiresAtMs) {
    throw authError('AUTH_API_KEY_INVALID', 'the API key is not known, was revoked, or has expired');
  }
  if (nowMs - found.lastUsedAtMs >= WRITE_USE_EVERY_MS) {
    found.lastUsedAtMs = nowMs;
    await recordUse(parts, found.claims, nowMs);
  }
  return found.claims;
}

// When the key was last used is good to know, and no reason to refuse it.
async function recordUse(parts: AuthParts, { tenantId, keyId }: ApiKeyClaims, nowMs: number): Promise<void> {
  try {
    await parts.database.withSystem('api-key-use', (tx) =>
      tx
        .updateTable('api_keys')
        .set({ last_used_at: new Date(nowMs) })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', keyId)
        .where((where) =>
          where.or([
            where('last_used_at', 'is', null),
            where('last_used_at', '<=', new Date(nowMs - WRITE_USE_EVERY_MS)),
          ]),
        )
        .execute(),
    );
  } catch (thrown) {
    parts.config.logger.warn({ error: toError(thrown), keyId }, 'the use of an API key could not be recorded');
  }
}
