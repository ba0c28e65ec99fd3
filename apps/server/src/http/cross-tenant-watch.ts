import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createTaskTracker, isCodedError, toError } from '@tenon/core';
import type { Services } from '../services.ts';

/** A row that a request asks for by its id. */
export interface WatchedRow {
  /** Plural, as in the path. */
  readonly resource: string;
  readonly id: string;
  /** The code with which the service says that this tenant has no such row. */
  readonly missingCode: string;
  /** The tenant that has it, whichever that is. */
  ownerOf(): Promise<string | undefined>;
}

declare module 'fastify' {
  interface FastifyRequest {
    missedRow: WatchedRow | undefined;
  }
}

/**
 * Runs work on one row. When the tenant has no such row, {@link watchCrossTenantAccess} looks into it after the answer. Every
 * route that takes the id of a tenant's row works through this.
 */
export async function watchRow<T>(request: FastifyRequest, row: WatchedRow, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isCodedError(error, row.missingCode)) request.missedRow = row;
    throw error;
  }
}

/**
 * Tells a typing error from an attempt to reach another tenant's row, and records the latter. All of it happens after the answer
 * was sent, so that neither its content nor its timing says which of the two it was.
 *
 * @returns waits for what is being looked into
 */
export function watchCrossTenantAccess(
  app: FastifyInstance,
  { tenancy }: Pick<Services, 'tenancy'>,
): () => Promise<void> {
  const underWay = createTaskTracker();
  app.decorateRequest('missedRow', undefined);

  const investigate = async (request: FastifyRequest, missed: WatchedRow): Promise<void> => {
    const { principal } = request;
    const owner = await missed.ownerOf();
    if (owner === undefined || owner === principal?.tenant || principal?.tenant === undefined) return;
    await tenancy.securityEvents.record({
      type: 'tenant.cross-access',
      actor: principal.actor,
      tenantId: principal.tenant,
      otherTenantId: owner,
      resource: `${missed.resource}/${missed.id}`,
      requestId: request.id,
      details: { method: request.method },
    });
  };

  app.addHook('onResponse', async (request, reply) => {
    const missed = request.missedRow;
    if (missed === undefined || reply.statusCode !== 404) return;
    const work = (): Promise<void> =>
      investigate(request, missed).catch((error: unknown) => {
        request.log.error({ err: toError(error) }, 'a request for an unknown row could not be looked into');
      });
    void underWay.run(work);
  });

  return () => underWay.idle();
}
