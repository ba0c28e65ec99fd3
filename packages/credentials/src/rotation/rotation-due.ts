import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { keyText } from '../identity/credential-key.ts';
import type { StoredSummary } from '../storage/credential-storage.ts';
import type { RotationPolicy } from './rotation-policy.ts';

/** When a policy asks for a rotation. */
export interface RotationDue {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly policy: RotationPolicy;
}

/** The first moment at which any policy of a credential asks for its rotation; `undefined` when none ever does. */
export function rotationDue(record: StoredSummary): RotationDue | undefined {
  let first: RotationDue | undefined;
  for (const policy of record.policies) {
    const atMs = dueAt(policy, record);
    if (atMs !== undefined && (first === undefined || atMs < first.atMs)) first = { atMs, policy };
  }
  return first;
}

function dueAt(policy: RotationPolicy, record: StoredSummary): number | undefined {
  const { current } = record;
  const since = current.createdAt;
  switch (policy.type) {
    case 'periodic':
      return since + policy.intervalMs * (policy.jitter === true ? 0.9 + 0.2 * shareOf(record) : 1);
    case 'before-expiry': {
      if (current.expiresAt === undefined) return undefined;
      const byShare = since + (current.expiresAt - since) * (policy.thresholdShare ?? 1);
      return Math.min(byShare, current.expiresAt - (policy.minimumMs ?? 0));
    }
    case 'scheduled':
      if (policy.cron === undefined) return policy.at !== undefined && policy.at > since ? policy.at : undefined;
      return new Cron(policy.cron, { timezone: 'UTC', paused: true }).nextRun(new Date(since))?.getTime();
    case 'manual':
      return undefined;
    default:
      return policy satisfies never;
  }
}

// The same in every process and at every look, and another one for each version: thousands of credentials that were stored
// together do not rotate together.
function shareOf({ key, current }: StoredSummary): number {
  const digest = createHash('sha256')
    .update(`${keyText(key)}|${current.version}`)
    .digest();
  return digest.readUInt32BE() / 2 ** 32;
}
