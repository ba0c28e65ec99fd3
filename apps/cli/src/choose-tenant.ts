import type { Services } from '@tenon/server';
import { cliError } from './errors.ts';

type Tenants = Services['tenancy']['tenants'];
type Tenant = Awaited<ReturnType<Tenants['list']>>[number];

const PAGE = 1_000;
const SHOWN = 10;

/** Every tenant, in order of the ids. */
export async function allTenants({ tenancy }: Services): Promise<readonly Tenant[]> {
  const tenants: Tenant[] = [];
  for (;;) {
    const last = tenants.at(-1);
    const page = await tenancy.tenants.list({ limit: PAGE, ...(last === undefined ? {} : { afterId: last.id }) });
    tenants.push(...page);
    if (page.length < PAGE) return tenants;
  }
}

/**
 * The tenant to work in: the one that was named, else the only one there is.
 *
 * @throws `TENANT_NONE` when there is none; `TENANT_AMBIGUOUS` when there are several and none was named
 */
export async function chooseTenant(services: Services, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const [first, ...others] = await services.tenancy.tenants.list({ limit: SHOWN + 1 });
  if (first === undefined) {
    throw cliError(
      'TENANT_NONE',
      'there is no tenant yet. Make one with "tenon tenant create", or start the server once',
    );
  }
  if (others.length === 0) return first.id;
  const ids = [first, ...others].slice(0, SHOWN).map(({ id }) => id);
  throw cliError(
    'TENANT_AMBIGUOUS',
    `there are several tenants: ${ids.join(', ')}${others.length >= SHOWN ? ', ...' : ''}. Say which one with --tenant ID`,
    { details: { tenants: ids } },
  );
}
