import { createTenantRepository, type TenantRepository } from '../repository/tenant-repository.ts';
import { toEmailKey } from './keys.ts';
import type { User } from './user.ts';

/** The people of the context's tenant, as rows. Rules about them are the service's business. */
export const userRepository: TenantRepository<User> = createTenantRepository<User>({
  table: 'users',
  columns: {
    id: 'id',
    tenantId: 'tenant_id',
    accountId: 'account_id',
    email: 'email',
    name: 'name',
    role: 'role',
    status: 'status',
    company: 'company',
    title: 'title',
    city: 'city',
    country: 'country',
    phone: 'phone',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
    version: 'version',
  },
  derive: ({ email }) => (email === undefined ? {} : { email_key: toEmailKey(email) }),
});
