import { setImmediate } from 'node:timers/promises';
import type { LoadedKeys, Services } from '@tenon/server';
import { allTenants } from './choose-tenant.ts';
import type { Cli } from './cli.ts';
import { credentialFailure } from './credentials/credential-failure.ts';
import type { Output } from './output.ts';
import { formatBar, formatCount, formatSeconds } from './progress-bar.ts';
import { inTenant } from './with-services.ts';

/** A credential that no key of the ring opens. */
interface UnreadableCredential {
  readonly tenant: string;
  readonly scope: string;
  readonly id: string;
}

/** What came of sealing everything anew. */
export interface ResealedEverything {
  readonly signingKey: string;
  /** The id of the key that seals now. */
  readonly sealedUnder: string | undefined;
  readonly tenants: number;
  readonly credentials: {
    readonly resealed: number;
    readonly unreadableCount: number;
    /** At most 100 of each tenant. */
    readonly unreadable: readonly UnreadableCredential[];
  };
  readonly isStopped: boolean;
  readonly durationMs: number;
}

const SHOWN = 20;

/**
 * Seals the signing key and the credentials of every tenant with the first of the keys. What is sealed so already is left alone: after an
 * interruption it is simply done again.
 */
export async function resealEverything(
  services: Services,
  { keys }: LoadedKeys,
  output: Output,
  signal: AbortSignal,
): Promise<ResealedEverything> {
  const startedMs = performance.now();
  const { kid } = await services.auth.rotateSigningKey();
  const tenants = await allTenants(services);
  const unreadable: UnreadableCredential[] = [];
  let [resealed, unreadableCount, finished] = [0, 0, 0];
  const draw = (share: number, count: number, totalRows?: number): void =>
    output.draw(
      formatBar({
        title: 'credentials',
        fraction: tenants.length === 0 ? 1 : (finished + share) / tenants.length,
        rows: count,
        rejected: unreadableCount,
        rejectedAs: 'unreadable',
        elapsedMs: performance.now() - startedMs,
        ...(totalRows === undefined ? {} : { totalRows }),
      }),
    );
  try {
    for (const { id: tenant } of tenants) {
      // The embedded database leaves no time for the signals that this process gets.
      await setImmediate();
      if (signal.aborted) break;
      const before = resealed;
      const report = await inTenant(tenant, () =>
        services.credentials.reseal({
          signal,
          onProgress: ({ resealed: done, total }) => draw(total === 0 ? 0 : Math.min(1, done / total), before + done),
        }),
      );
      resealed += report.resealed;
      unreadableCount += report.unreadableCount;
      unreadable.push(...report.unreadable.map(({ scope, id }) => ({ tenant, scope, id })));
      if (report.isStopped) break;
      finished += 1;
    }
    if (finished === tenants.length) draw(0, resealed, resealed);
  } finally {
    output.endDrawing();
  }
  return {
    signingKey: kid,
    sealedUnder: keys.ids[0],
    tenants: tenants.length,
    credentials: { resealed, unreadableCount, unreadable },
    isStopped: finished < tenants.length,
    durationMs: Math.round(performance.now() - startedMs),
  };
}

/** The report for people. */
export function resealedLines(report: ResealedEverything): readonly string[] {
  const { unreadable, unreadableCount, resealed } = report.credentials;
  const inTenants = report.tenants === 1 ? '1 tenant' : `${formatCount(report.tenants)} tenants`;
  const named = unreadable.slice(0, SHOWN);
  return [
    `signing key ${report.signingKey}  ·  sealed under ${report.sealedUnder}`,
    `credentials ${formatCount(resealed)} sealed anew in ${inTenants} in ${formatSeconds(report.durationMs)}`,
    ...named.map(({ tenant, scope, id }) => `unreadable  ${tenant}  ·  ${scope}  ·  ${id}`),
    ...(unreadableCount > named.length ? [`unreadable  and ${formatCount(unreadableCount - named.length)} more`] : []),
  ];
}

/** @throws `CREDENTIAL_ABORTED` when it was stopped; `CREDENTIAL_UNREADABLE` when not everything could be opened */
export function assertEverythingResealed({ isStopped, credentials }: ResealedEverything, cli: Cli): void {
  const { unreadableCount } = credentials;
  if (isStopped && cli.signal.aborted) {
    throw credentialFailure(
      'CREDENTIAL_ABORTED',
      'it was stopped before everything was sealed anew: "tenon keys reseal" goes on. Keep the older keys until it is done',
    );
  }
  if (unreadableCount === 0) return;
  throw credentialFailure(
    'CREDENTIAL_UNREADABLE',
    `${formatCount(unreadableCount)} ${unreadableCount === 1 ? 'credential' : 'credentials'} could not be opened: the key is not in the ring, or the record was changed`,
  );
}
