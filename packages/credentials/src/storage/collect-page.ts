import type { StoragePage, StorageQuery, StoredSummary } from './credential-storage.ts';
import { matches } from './matches.ts';
import type { StoredCredential } from './stored-credential.ts';
import { toSummary } from './to-summary.ts';

// Read side by side: enough to hide waiting, few enough to read little in vain.
const SIDE_BY_SIDE = 32;

/**
 * One page out of candidates in their order, for drivers that cannot ask a database.
 *
 * @param candidates - what names the records within the query's scope, behind where it goes on
 * @param load - reads one; `undefined` when it is gone
 */
export async function collectPage<Candidate>(
  query: StorageQuery,
  candidates: AsyncIterable<Candidate> | Iterable<Candidate>,
  load: (candidate: Candidate) => Promise<StoredCredential | undefined>,
): Promise<StoragePage> {
  const items: StoredSummary[] = [];
  let waiting: Promise<StoredCredential | undefined>[] = [];
  const settle = async (): Promise<void> => {
    const records = await Promise.all(waiting);
    waiting = [];
    for (const record of records) {
      if (record !== undefined && matches(record, query)) items.push(toSummary(record));
    }
  };
  for await (const candidate of candidates) {
    const loading = load(candidate);
    // Also when the next candidate cannot be had, and nobody waits for this one any more.
    loading.catch(() => undefined);
    waiting.push(loading);
    if (waiting.length < Math.min(SIDE_BY_SIDE, query.limit + 1 - items.length)) continue;
    await settle();
    if (items.length > query.limit) break;
  }
  await settle();
  return { items: items.slice(0, query.limit), hasMore: items.length > query.limit };
}
