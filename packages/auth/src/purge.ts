import type { PurgeReport } from './auth.ts';
import type { AuthParts } from './auth-parts.ts';

const KEEP_EXPIRED_MS = 30 * 86_400_000;

/** Removes what nobody needs any more. A session that was ended goes when it would have gone anyway. */
export async function purge(parts: AuthParts): Promise<PurgeReport> {
  const before = new Date(parts.config.clock.now() - KEEP_EXPIRED_MS);
  const result = await parts.database.withSystem('purge-sessions', (tx) =>
    tx.deleteFrom('sessions').where('expires_at', '<', before).executeTakeFirst(),
  );
  return { sessions: Number(result.numDeletedRows), signingKeys: await parts.signingKeys.purge() };
}
