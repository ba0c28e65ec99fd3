import { defineListing, type Listing } from '@tenon/database';
import type { UserRow } from '../tables.ts';
import { roles } from './role.ts';
import { toEmailKey, toNameKey } from './keys.ts';
import { userStatuses } from './user.ts';

/** How people can be filtered, sorted and paged. Each filter and sort has an index that begins with the tenant. */
export const userListing: Listing<UserRow> = defineListing<UserRow>({
  resource: 'users',
  table: 'users',
  fields: {
    email: { column: 'email_key', type: 'text', operators: ['eq', 'prefix'], sortable: true, normalize: toEmailKey },
    name: { column: 'name_key', type: 'text', operators: ['eq', 'prefix'], sortable: true, normalize: toNameKey },
    role: { column: 'role', type: 'text', operators: ['eq', 'in'], values: roles },
    status: { column: 'status', type: 'text', operators: ['eq', 'in'], values: userStatuses },
    company: { column: 'company', type: 'text', operators: ['eq', 'in'] },
    country: { column: 'country', type: 'text', operators: ['eq', 'in'] },
    createdAt: { column: 'created_at', type: 'timestamp', operators: ['gt', 'gte', 'lt', 'lte'], sortable: true },
  },
  defaultSort: '-createdAt',
});
