import type { FastifyRequest } from 'fastify';
import type { Resources, ResourceToken } from '@tenon/resources';
import { serverError } from '../../errors.ts';

/** The resource that a path names. @throws `RESOURCE_NOT_FOUND` */
export function tokenOf(request: FastifyRequest, resources: Resources): ResourceToken {
  const { id: name } = request.params as { readonly id: string };
  const token = resources.named(name);
  if (token !== undefined) return token;
  throw serverError('RESOURCE_NOT_FOUND', `there is no resource "${name}": it is not declared`, { details: { name } });
}
