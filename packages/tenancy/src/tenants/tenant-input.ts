import { isTenantId, type InputProblem } from '@tenon/core';
import { tenancyError } from '../errors.ts';
import { isRowId } from '../row-id.ts';
import { parseNewUser } from '../users/parse-user.ts';
import type { NewUser } from '../users/user.ts';
import { parseTenantName } from './parse-tenant-name.ts';
import type { NewTenant } from './tenants.ts';

/** A checked {@link NewTenant}. */
export interface CheckedTenant {
  readonly name: string;
  readonly id: string | undefined;
  readonly accountId: string;
  readonly owner: Pick<NewUser, 'email' | 'name'>;
}

/** @throws `TENANT_INPUT_INVALID` with everything that is wrong */
export function checkNewTenant(input: NewTenant): CheckedTenant {
  const problems: InputProblem[] = [];
  const name = parseTenantName(input.name);
  if (!name.ok) problems.push(name.error);
  if (input.id !== undefined && !isTenantId(input.id)) {
    problems.push({ path: '/id', code: 'not_an_id', message: 'must be 1 to 64 letters, digits, "_" or "-"' });
  }
  const { accountId, email, name: ownerName, ...rest } = input.owner;
  const owner = parseNewUser({ email, name: ownerName, ...rest });
  if (!owner.ok) problems.push(...owner.error.map((one) => ({ ...one, path: `/owner${one.path}` })));
  if (!isRowId(accountId)) {
    problems.push({ path: '/owner/accountId', code: 'not_an_id', message: 'must be the id of an account' });
  }
  if (!name.ok || !owner.ok || problems.length > 0) throw tenantInputInvalid(problems);
  return { name: name.value, id: input.id, accountId, owner: { email: owner.value.email, name: owner.value.name } };
}

/** The failure of a tenant's input. */
export function tenantInputInvalid(problems: readonly InputProblem[]): Error {
  return tenancyError('TENANT_INPUT_INVALID', `the tenant is not valid: ${problems[0]?.path} ${problems[0]?.message}`, {
    details: { problems },
  });
}
