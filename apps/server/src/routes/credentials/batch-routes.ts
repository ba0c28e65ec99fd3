import type { FastifyInstance } from 'fastify';
import { isCodedError, problemsOf } from '@tenon/core';
import type { BatchResult } from '@tenon/credentials';
import { Type } from 'typebox';
import { requires } from '../../http/access.ts';
import { bodyCheck } from '../../http/check-body.ts';
import { inputInvalid } from '../../http/problem.ts';
import type { Services } from '../../services.ts';
import { toMaterial, toStoreOptions } from './credential-input.ts';
import { BatchBody, BatchItem, NewCredential, tags, toShown, toValidation } from './credential-schemas.ts';

const Results = Type.Object(
  {
    succeeded: Type.Integer(),
    failed: Type.Integer(),
    items: Type.Array(
      Type.Object(
        { scope: Type.String(), id: Type.String(), ok: Type.Boolean() },
        { additionalProperties: true, description: 'with `value`, or with `code` and `detail` of what failed' },
      ),
    ),
  },
  { title: 'CredentialBatch' },
);

/** Many at once: each for itself, in the order given. */
export function batchRoutes(app: FastifyInstance, { credentials }: Services): void {
  const checkBatch = bodyCheck(BatchBody);
  const checkStore = checkItems(bodyCheck(NewCredential));
  const checkOther = checkItems(bodyCheck(BatchItem));

  app.post(
    '/v1/credential-batches',
    {
      config: { access: requires('credentials:write') },
      schema: {
        tags,
        summary: 'Store, delete or validate many',
        description: 'Up to 1,000, each for itself: one that fails changes nothing for the others.',
        body: BatchBody,
        response: { 200: Results },
      },
    },
    async (request) => {
      const { operation, items } = checkBatch(request.body);
      switch (operation) {
        case 'store': {
          const entries = checkStore(items).map(({ scope, id, ...input }) => ({
            reference: { scope, id },
            material: toMaterial(input),
            options: toStoreOptions(input, {}),
          }));
          return toResults(await credentials.storeMany(entries), toShown);
        }
        case 'delete':
          return toResults(await credentials.deleteMany(checkOther(items)), (deleted) => ({ deleted }));
        case 'validate':
          return toResults(await credentials.validateMany(checkOther(items)), toValidation);
        default:
          return operation satisfies never;
      }
    },
  );
}

function checkItems<Item>(check: (item: unknown) => Item): (items: readonly unknown[]) => readonly Item[] {
  return (items) =>
    items.map((item, index) => {
      try {
        return check(item);
      } catch (error) {
        if (!isCodedError(error, 'INPUT_INVALID')) throw error;
        throw inputInvalid(
          problemsOf(error).map((problem) => ({ ...problem, path: `/items/${index}${problem.path}` })),
        );
      }
    });
}

function toResults<Value>({ items, succeeded, failed }: BatchResult<Value>, show: (value: Value) => object) {
  return {
    succeeded,
    failed,
    items: items.map((item) => {
      const { scope = '', id } = item.reference;
      return item.ok
        ? { scope, id, ok: true, value: show(item.value) }
        : { scope, id, ok: false, code: item.error.code, detail: item.error.message };
    }),
  };
}
