import type { PurgeReport } from './auth.ts';
import type { AuthParts } from './auth-parts.ts';

const KEEP_ENDED_MS = 30 * 86_400_000;

/** Removes what nobody needs any more. */
export async function purge(parts: AuthParts): Promise<PurgeReport> {
  const before = new Date(parts.config.clock.now() - KEEP_ENDED_MS);
  const result = await parts.database.withSystem('purge-sessions', (tx) =>
    tx
      .deleteFrom('sessions')
      .where((where) => where.or([where('expires_at', '<', before), where('ended_at', '<', before)]))
      .executeTakeFirst(),
  );
  return { sessions: Number(result.numDeletedRows), signingKeys: await parts.signingKeys.purge() };
}
