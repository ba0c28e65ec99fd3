import { isUuid, requireTenant } from '@tenon/core';
import { mapPage } from '@tenon/database';
import { sql } from 'kysely';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import { apiKeyListing } from './api-key-listing.ts';
import { toApiKey } from './api-key-rows.ts';
import type { ApiKeys } from './api-key.ts';
import { createApiKey } from './create-api-key.ts';
import { verifyApiKey } from './verify-api-key.ts';

/** Keys for machines. */
export function createApiKeys(parts: AuthParts): ApiKeys {
  return {
    create: (input) => createApiKey(parts, input),
    async list(request, cursors) {
      requireTenant();
      const page = await parts.database.withTenant((tx) => apiKeyListing.read(tx, request, cursors));
      return mapPage(page, toApiKey);
    },
    async get(keyId) {
      requireTenant();
      if (!isUuid(keyId)) return undefined;
      const row = await parts.database.withTenant((tx) =>
        tx.selectFrom('api_keys').selectAll().where('id', '=', keyId).executeTakeFirst(),
      );
      return row === undefined ? undefined : toApiKey(row);
    },
    revoke: (keyId) => revokeApiKey(parts, keyId),
    verify: (key) => verifyApiKey(parts, key),
    async ownerOf(keyId) {
      if (!isUuid(keyId)) return undefined;
      const row = await parts.database.withSystem('find-owner', (tx) =>
        tx.selectFrom('api_keys').select('tenant_id').where('id', '=', keyId).executeTakeFirst(),
      );
      return row?.tenant_id;
    },
  };
}

async function revokeApiKey(parts: AuthParts, keyId: string): Promise<void> {
  const tenantId = requireTenant();
  const now = new Date(parts.config.clock.now());
  const outcome = await parts.database.withTenant(async (tx) => {
    if (!isUuid(keyId)) return 'missing';
    const revoked = await tx
      .updateTable('api_keys')
      .set({ revoked_at: now, version: sql`version + 1` })
      .where('id', '=', keyId)
      .where('revoked_at', 'is', null)
      .returning('prefix')
      .executeTakeFirst();
    if (revoked !== undefined) return revoked;
    const known = await tx.selectFrom('api_keys').select('id').where('id', '=', keyId).executeTakeFirst();
    return known === undefined ? 'missing' : 'revoked already';
  });
  if (outcome === 'missing') throw authError('AUTH_API_KEY_NOT_FOUND', 'there is no API key with this id');
  if (outcome === 'revoked already') return;
  parts.liveApiKeys.drop(outcome.prefix);
  parts.events.emit({ type: 'api-key.revoked', tenantId, details: { keyId, prefix: outcome.prefix } });
}
